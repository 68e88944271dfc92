import * as z from 'zod';
import { CheckHint, CollectHint, EmitConfig } from '../fleet/hint.ts';
import { RunAs, Shell, Staleness } from '../fleet/launch.ts';
import { FilledText } from '../scalar/filled-text.ts';
import { Id } from '../scalar/id.ts';
import { openEnum } from '../scalar/open-enum.ts';
import { optional } from '../scalar/optional.ts';
import { Humantime } from '../scalar/time.ts';
import { ClientBlock } from './client-block.ts';
import { Feed, InventoryBlock, Origin } from './data-block.ts';

/** How a job runs. Exactly one of `script`, `script_file` and `script_object`; an empty text counts as not given. */
export const Execute = z.looseObject({
  shell: Shell,
  timeout: Humantime,
  script: optional(z.string()),
  script_file: optional(z.string()),
  script_object: optional(z.string()),
  run_as: optional(RunAs),
  cwd: optional(z.string()),
  bypass_local_limit: optional(z.boolean()),
});
export type Execute = z.infer<typeof Execute>;

/** A step after a successful run, inline script only. `on_each_bundle` needs `collect`. */
export const Finalize = z.looseObject({
  shell: Shell,
  script: FilledText,
  timeout: optional(Humantime),
  run_as: optional(RunAs),
  cwd: optional(z.string()),
  on_each_bundle: optional(z.boolean()),
});
export type Finalize = z.infer<typeof Finalize>;

export const finalizeTimeout = '60s';

/** Which machines may run a job. Open on read; `unknown` is refused at write boundaries and runs nowhere. */
export const Tier = openEnum(['endpoint', 'controller']).meta({ enum: ['endpoint', 'controller'] });
export type Tier = z.infer<typeof Tier>;

/** A job as it is stored in KV `jobs`. Reading tolerates unknown keys; `strictManifest` does not. */
export const Manifest = z.looseObject({
  id: Id,
  version: FilledText,
  description: optional(z.string()),
  execute: Execute,
  client: optional(ClientBlock),
  staleness: optional(Staleness),
  require_approval: optional(z.boolean()),
  tags: optional(z.array(z.string())),
  inventory: optional(InventoryBlock),
  emit: optional(EmitConfig),
  check: optional(CheckHint),
  collect: optional(CollectHint),
  finalize: optional(Finalize),
  origin: optional(Origin),
  /** Widgets of the analytics pages; opaque here, read by the backend only. */
  aggregate: z.unknown().optional(),
  feed: optional(z.array(Feed)),
  tier: optional(Tier),
});
export type Manifest = z.infer<typeof Manifest>;

/** The tier that counts: what the manifest says; without a word a feed belongs to controllers, the rest to endpoints. */
export function tierOf(manifest: Pick<Manifest, 'tier' | 'feed'>): Tier {
  return manifest.tier ?? (manifest.feed && manifest.feed.length > 0 ? 'controller' : 'endpoint');
}
