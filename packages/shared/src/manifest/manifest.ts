import * as z from 'zod';
import type { Command } from '../fleet/command.ts';
import { CheckHint, CheckStatus, CollectHint, EmitConfig } from '../fleet/hint.ts';
import { type FinalizeCommand, RunAs, Shell, Staleness } from '../fleet/launch.ts';
import { openEnum, optional } from '../scalar/field.ts';
import { FilledText } from '../scalar/filled-text.ts';
import { Id } from '../scalar/id.ts';
import { Humantime } from '../scalar/time.ts';
import { parseHumantime } from '../scalar/words.ts';
import { FeedBlock, InventoryBlock, Origin } from './data-block.ts';

/** Whom a job or a schedule is for; present but empty is a fault, because nobody could be meant. */
export const Visibility = z
  .looseObject({ all: optional(z.boolean()), groups: optional(z.array(Id)), pcs: optional(z.array(Id)) })
  .refine((v) => v.all === true || (v.groups?.length ?? 0) + (v.pcs?.length ?? 0) > 0, {
    error: 'names nobody: give all: true, groups or pcs',
  });
export type Visibility = z.infer<typeof Visibility>;

/** A machine, as far as it can be meant. */
export interface Audience {
  readonly pcId: string;
  readonly groups: readonly string[];
}

/** Whether a machine is meant: everybody (also where nobody is named), by its id, or by one of its groups. */
export function isMeant(visibility: Visibility | undefined, { pcId, groups }: Audience): boolean {
  if (visibility === undefined || visibility.all === true) return true;
  if (visibility.pcs?.includes(pcId)) return true;
  return visibility.groups?.some((group) => groups.includes(group)) ?? false;
}

/** Ask before a run: yes or no, or a text of one's own. */
export const Confirm = z.union(
  [z.boolean(), z.looseObject({ enabled: optional(z.boolean()), message: optional(FilledText) })],
  { error: 'must be true, false or { enabled, message }' },
);
export type Confirm = z.infer<typeof Confirm>;

/** Offer a job only while a check stands like this; a check that never ran does not match. For the list only. */
export const ShowWhen = z.looseObject({
  check: Id,
  is: z.union([CheckStatus, z.array(CheckStatus).min(1)], {
    error: 'must be ok, warn, fail or unknown, or a list of these',
  }),
});
export type ShowWhen = z.infer<typeof ShowWhen>;

/** Whether the newest status of the check lets the job be shown; undefined = the check never ran. */
export function isShown(showWhen: ShowWhen, status: CheckStatus | undefined): boolean {
  if (status === undefined) return false;
  return Array.isArray(showWhen.is) ? showWhen.is.includes(status) : showWhen.is === status;
}

/** A system that a job is for, as a heartbeat calls it. Open on read: one that nobody knows is no machine's. */
export const Platform = openEnum(['linux', 'macos', 'windows']).meta({ enum: ['linux', 'macos', 'windows'] });
export type Platform = z.infer<typeof Platform>;

/**
 * Its presence offers the job to the person at the machine. `category` is free text; lower `category_order` comes first. `platforms` and
 * `parallel` are ours: which systems it is offered on (absent: on all), and whether a second click starts a second run of the same
 * person; without it the second click leads to the run that goes on.
 */
export const ClientBlock = z.looseObject({
  name: FilledText,
  category: FilledText,
  description: optional(z.string()),
  icon: optional(z.string()),
  category_label: optional(z.string()),
  category_icon: optional(z.string()),
  category_order: optional(z.int()),
  visible_to: optional(Visibility),
  show_when: optional(ShowWhen),
  confirm: optional(Confirm),
  unlock: optional(Id),
  platforms: optional(z.array(Platform).min(1)),
  parallel: optional(z.boolean()),
});
export type ClientBlock = z.infer<typeof ClientBlock>;

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
  feed: optional(z.array(FeedBlock)),
  tier: optional(Tier),
});
export type Manifest = z.infer<typeof Manifest>;

/** The tier that counts: what the manifest says; without a word a feed belongs to controllers, the rest to endpoints. */
export function tierOf(manifest: Pick<Manifest, 'tier' | 'feed'>): Tier {
  return manifest.tier ?? (manifest.feed && manifest.feed.length > 0 ? 'controller' : 'endpoint');
}

/**
 * Lowers a manifest with an inline script to the command that runs it once. Times become whole seconds, at least 1; what
 * the agent does with the output (emit, check, collect) and afterwards (finalize) goes along.
 */
export function commandOf(manifest: Manifest, ids: { requestId: string; execId: string | null }): Command {
  const { execute, emit, check, collect, finalize } = manifest;
  return {
    id: manifest.id,
    version: manifest.version,
    request_id: ids.requestId,
    exec_id: ids.execId,
    shell: execute.shell,
    script: execute.script ?? '',
    ...(execute.script_object ? { script_object: execute.script_object } : {}),
    timeout_secs: wholeSeconds(execute.timeout),
    ...(execute.run_as ? { run_as: execute.run_as } : {}),
    ...(execute.cwd ? { cwd: execute.cwd } : {}),
    ...(manifest.staleness ? { staleness: manifest.staleness } : {}),
    ...(emit ? { emit } : {}),
    ...(check ? { check } : {}),
    ...(collect ? { collect } : {}),
    ...(finalize ? { finalize: finalizeOf(finalize) } : {}),
    ...(execute.bypass_local_limit ? { bypass_local_limit: true } : {}),
  };
}

function finalizeOf({ timeout, ...finalize }: Finalize): FinalizeCommand {
  return { ...finalize, timeout_secs: wholeSeconds(timeout ?? finalizeTimeout) };
}

function wholeSeconds(text: string): number {
  return Math.max(1, Math.ceil((parseHumantime(text) ?? 0) / 1000));
}

/**
 * Something in a manifest that is not carried out yet, so that the job is refused where it would be left out in silence:
 *
 * | `refusedTo`  | who is refused                                                                               |
 * |--------------|----------------------------------------------------------------------------------------------|
 * | `everybody`  | operators, and the person at the machine                                                     |
 * | `nobody`     | it runs; what it prints stands in the result, and nothing here makes more of it              |
 */
export interface Unserved {
  /** The key of the manifest. */
  readonly path: string;
  readonly refusedTo: 'everybody' | 'nobody';
  /** Why, to be read after the path. */
  readonly reason: string;
}

/** What a manifest asks for that is not carried out yet, in the order of the manifest. */
export function unservedIn(manifest: Manifest): Unserved[] {
  const { require_approval, check } = manifest;
  const found: Unserved[] = [];
  const note = (path: string, refusedTo: Unserved['refusedTo'], reason: string): void => {
    found.push({ path, refusedTo, reason });
  };
  if (require_approval === true) note('require_approval', 'everybody', 'nobody can be asked for an approval yet');
  const tier = tierOf(manifest);
  if (tier !== 'endpoint') {
    const path = manifest.tier === undefined ? 'feed' : 'tier';
    note(path, 'everybody', `a job of tier ${tier} runs on controllers only, and no machine is one yet`);
  }
  if (check !== undefined && check.fleet !== false)
    note('check', 'nobody', 'the status stands on the machine and in the result; no table of the fleet is made of it');
  if (check?.alert !== undefined) note('check.alert', 'nobody', 'the status can be seen; no alert is raised by it yet');
  for (const block of ['inventory', 'aggregate'] as const) {
    if (manifest[block] !== undefined)
      note(block, 'nobody', 'what the job prints stands in its result, whole; no table is made of it');
  }
  return found;
}
