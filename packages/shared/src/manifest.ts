/** What people write: manifests of jobs, what an order makes of one, and JSON Schemas for editors. */

export { DisplayField, Explode, FeedBlock, InventoryBlock, Origin } from './manifest/data-block.ts';
export { type DocumentName, documentNames, documentSchema } from './manifest/document-schema.ts';
export {
  type Audience,
  ClientBlock,
  Confirm,
  commandOf,
  Execute,
  Finalize,
  isMeant,
  isShown,
  Manifest,
  ShowWhen,
  Tier,
  tierOf,
  type Unserved,
  unservedIn,
  Visibility,
} from './manifest/manifest.ts';
export { type StrictManifestOptions, strictManifest } from './manifest/strict-manifest.ts';
export { readAs } from './scalar/strict.ts';
