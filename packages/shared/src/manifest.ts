/** What people write: manifests of jobs, what an order makes of one, and JSON Schemas for editors. */
export {
  type Audience,
  ClientBlock,
  Confirm,
  isMeant,
  isShown,
  ShowWhen,
  Visibility,
} from './manifest/client-block.ts';
export { commandOf } from './manifest/command-of.ts';
export { DisplayField, Explode, Feed, InventoryBlock, Origin } from './manifest/data-block.ts';
export { type DocumentName, documentNames, documentSchema } from './manifest/document-schema.ts';
export { Execute, Finalize, Manifest, Tier, tierOf } from './manifest/manifest.ts';
export { type StrictManifestOptions, strictManifest } from './manifest/strict-manifest.ts';
export { readAs } from './scalar/strict.ts';
