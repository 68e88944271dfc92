import * as z from 'zod';
import { optional } from '../scalar/field.ts';
import { retriesMax } from './retry.ts';

/** The interpreter of a script. Closed on purpose: an agent must not guess how to run something. */
export const Shell = z.enum(['powershell', 'cmd', 'sh', 'pwsh', 'bash']);
export type Shell = z.infer<typeof Shell>;

/** Whose token and session a script gets; `user` and `system_gui` need a console user. Closed. */
export const RunAs = z.enum(['system', 'user', 'system_gui']);
export type RunAs = z.infer<typeof RunAs>;

/** How old an agent's knowledge of pins and revocations may be. `max_cache_age` is humantime; `0s` = online right now. */
export const Staleness = z.discriminatedUnion('mode', [
  z.looseObject({ mode: z.literal('cached') }),
  z.looseObject({ mode: z.literal('strict'), max_cache_age: z.string() }),
  z.looseObject({ mode: z.literal('unchecked') }),
]);
export type Staleness = z.infer<typeof Staleness>;

/** Re-runs after a non-zero exit or a timeout: at most {@link retriesMax}, with a fixed pause in seconds. */
export const Retry = z.looseObject({ max: z.int().min(1).max(retriesMax), backoff_secs: z.int().nonnegative() });
export type Retry = z.infer<typeof Retry>;

/** A step after a successful run, inline script only. Time-out in seconds. */
export const FinalizeCommand = z.looseObject({
  shell: Shell,
  script: z.string(),
  timeout_secs: z.int().nonnegative(),
  run_as: optional(RunAs),
  cwd: optional(z.string()),
  on_each_bundle: optional(z.boolean()),
});
export type FinalizeCommand = z.infer<typeof FinalizeCommand>;

export const finalizeDefaults = { run_as: 'system', on_each_bundle: false } satisfies Partial<FinalizeCommand>;
