import * as z from 'zod';
import { parseHumantime } from '../scalar/duration.ts';
import { Id } from '../scalar/id.ts';
import { type Fault, faultsOf, unknownKeys } from '../scalar/strict.ts';
import { Humantime } from '../scalar/time.ts';
import { type Command, RunAs, Shell, Staleness } from './command.ts';

const filled = z.string().refine((text) => text.trim() !== '', { error: 'must not be empty' });

/** How a job runs. Exactly one of `script`, `script_file` and `script_object`; an empty text counts as not given. */
export const Execute = z.looseObject({
  shell: Shell,
  timeout: Humantime,
  script: z.string().optional(),
  script_file: z.string().optional(),
  script_object: z.string().optional(),
  run_as: RunAs.optional(),
  cwd: z.string().optional(),
  bypass_local_limit: z.boolean().optional(),
});
export type Execute = z.infer<typeof Execute>;

/** Whom a job is offered to; present but empty is a fault, because nobody could be meant. */
export const Visibility = z
  .looseObject({ all: z.boolean().optional(), groups: z.array(Id).optional(), pcs: z.array(Id).optional() })
  .refine((v) => v.all === true || (v.groups?.length ?? 0) + (v.pcs?.length ?? 0) > 0, {
    error: 'names nobody: give all: true, groups or pcs',
  });
export type Visibility = z.infer<typeof Visibility>;

export const Confirm = z.union([
  z.boolean(),
  z.looseObject({ enabled: z.boolean().optional(), message: filled.optional() }),
]);
export type Confirm = z.infer<typeof Confirm>;

/** Its presence offers the job to the person at the machine. `category` is free text; lower `category_order` comes first. */
export const ClientBlock = z.looseObject({
  name: filled,
  category: filled,
  description: z.string().optional(),
  icon: z.string().optional(),
  category_label: z.string().optional(),
  category_icon: z.string().optional(),
  category_order: z.int().optional(),
  visible_to: Visibility.optional(),
  show_when: z.looseObject({}).optional(),
  confirm: Confirm.optional(),
  unlock: z.string().optional(),
});
export type ClientBlock = z.infer<typeof ClientBlock>;

const block = z.looseObject({}).optional();

/** A job as it is stored in KV `jobs`. Reading tolerates unknown keys; `strictManifest` does not. */
export const Manifest = z.looseObject({
  id: Id,
  version: filled,
  description: z.string().optional(),
  execute: Execute,
  client: ClientBlock.optional(),
  staleness: Staleness.optional(),
  require_approval: z.boolean().optional(),
  tags: z.array(z.string()).optional(),
  inventory: block,
  emit: block,
  check: block,
  collect: block,
  finalize: block,
  origin: block,
  aggregate: z.unknown().optional(),
  feed: z.array(z.looseObject({})).optional(),
  tier: z.enum(['endpoint', 'controller']).optional(),
});
export type Manifest = z.infer<typeof Manifest>;

/** Blocks whose inner keys this version does not check strictly. */
const openBlocks = ['inventory', 'emit', 'check', 'collect', 'finalize', 'origin', 'show_when'];

/**
 * Parses a manifest at a write boundary: unknown keys, a missing or doubled script and every other fault are reported
 * together, each with its path. Never throws.
 */
export function strictManifest(value: unknown): { ok: true; manifest: Manifest } | { ok: false; faults: Fault[] } {
  const parsed = Manifest.safeParse(value);
  const unknown = unknownKeys(Manifest, value).filter(
    ({ path }) =>
      !path
        .split('.')
        .slice(0, -1)
        .some((key) => openBlocks.includes(key)),
  );
  if (!parsed.success) return { ok: false, faults: [...faultsOf(parsed.error), ...unknown] };
  const { script, script_file, script_object } = parsed.data.execute;
  const given = [script, script_file, script_object].filter((text) => text !== undefined && text !== '').length;
  const faults =
    given === 1
      ? unknown
      : [
          ...unknown,
          { path: 'execute', message: `needs exactly one of script, script_file and script_object: ${given} given` },
        ];
  return faults.length === 0 ? { ok: true, manifest: parsed.data } : { ok: false, faults };
}

/** Lowers a manifest with an inline script to the command that runs it once. Times become whole seconds, at least 1. */
export function commandOf(manifest: Manifest, ids: { requestId: string; execId: string | null }): Command {
  const { execute } = manifest;
  return {
    id: manifest.id,
    version: manifest.version,
    request_id: ids.requestId,
    exec_id: ids.execId,
    shell: execute.shell,
    script: execute.script ?? '',
    ...(execute.script_object ? { script_object: execute.script_object } : {}),
    timeout_secs: Math.max(1, Math.ceil((parseHumantime(execute.timeout) ?? 0) / 1000)),
    ...(execute.run_as ? { run_as: execute.run_as } : {}),
    ...(execute.cwd ? { cwd: execute.cwd } : {}),
    ...(manifest.staleness ? { staleness: manifest.staleness } : {}),
    ...(execute.bypass_local_limit ? { bypass_local_limit: true } : {}),
  };
}
