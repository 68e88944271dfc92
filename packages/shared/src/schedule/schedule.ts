import * as z from 'zod';
import { retriesMax } from '../fleet/retry.ts';
import { Origin } from '../manifest/data-block.ts';
import { Visibility } from '../manifest/manifest.ts';
import { optional } from '../scalar/field.ts';
import { Id } from '../scalar/id.ts';
import { Humantime, Instant } from '../scalar/time.ts';
import { parseHumantime } from '../scalar/words.ts';
import { isPlainDate, parseAt, parseDays, parseWindow } from './calendar.ts';

const Every = z.looseObject({ every: Humantime });
const oneOf = (...texts: string[]) => ({ error: `must be ${texts.join(', ')} or { every: 6h }` });

/** What happens on a machine that can start a job. Closed: an event that nobody knows never fires. */
export const OsEvent = z.enum(['startup', 'logon', 'lock', 'unlock', 'network_change']);
export type OsEvent = z.infer<typeof OsEvent>;

/** Wall-clock time: `HH:MM` (every day, or on `days`), or once `YYYY-MM-DD HH:MM`. */
export const Calendar = z.looseObject({
  at: z.string().refine((text) => parseAt(text) !== undefined, {
    error: ({ input }) => `must be HH:MM, or YYYY-MM-DD HH:MM for once: ${JSON.stringify(input)}`,
  }),
  days: optional(
    z
      .array(
        z.string().refine((text) => parseDays(text) !== undefined, {
          error: ({ input }) => `must be a day such as mon, mon-fri, tue#2 or friL: ${JSON.stringify(input)}`,
        }),
      )
      .min(1),
  ),
});
export type Calendar = z.infer<typeof Calendar>;

/**
 * When a schedule fires; exactly one form. `per_pc` and `per_target` describe a desired state that is looked at every
 * minute; `calendar` fires at a time; `on` fires with an event of the machine.
 */
export const When = z
  .looseObject({
    per_pc: optional(z.union([z.enum(['once', 'once_per_version']), Every], oneOf('once', 'once_per_version'))),
    per_target: optional(z.union([z.enum(['once']), Every], oneOf('once'))),
    calendar: optional(Calendar),
    on: optional(z.array(OsEvent).min(1)),
  })
  .refine((when) => formsOf(when).length === 1, {
    error: ({ input }) =>
      `needs exactly one of per_pc, per_target, calendar and on: ${formsOf(input as object).join(', ') || 'none'} given`,
  });
export type When = z.infer<typeof When>;
export type WhenForm = (typeof whenForms)[number];

const whenForms = ['per_pc', 'per_target', 'calendar', 'on'] as const;

function formsOf(when: object): WhenForm[] {
  return whenForms.filter((form) => (when as When)[form] !== undefined);
}

/** The one form that a `when` has. */
export function whenFormOf(when: When): WhenForm {
  return formsOf(when)[0] ?? 'on';
}

/** What must hold on the machine when the schedule fires; unmet = this tick is skipped. Agent only. */
export const Require = z.looseObject({
  ac_power: optional(z.boolean()),
  /** No console input for this long. */
  idle: optional(Humantime),
  /** Percent over all cores, strictly less than. */
  cpu_below: optional(z.number().gt(0).lte(100)),
  network: optional(z.boolean()),
});
export type Require = z.infer<typeof Require>;

/** `skip_dates` are read as they are, because a corrupt one blocks every day instead of losing the schedule. */
export const Constraints = z.looseObject({
  window: optional(
    z.string().refine((text) => parseWindow(text) !== undefined, {
      error: ({ input }) => `must be HH:MM-HH:MM with two different times: ${JSON.stringify(input)}`,
    }),
  ),
  max_concurrent: optional(z.int().positive()),
  skip_dates: optional(z.array(z.string())),
  require: optional(Require),
});
export type Constraints = z.infer<typeof Constraints>;

const Bound = z.string().refine((text) => isPlainDate(text) || Instant.safeParse(text).success, {
  error: ({ input }) => `must be a date or an RFC 3339 time: ${JSON.stringify(input)}`,
});

/** Half-open; a bare date means midnight in `tz`. Outside of it the schedule is dormant. */
export const Active = z.looseObject({ from: optional(Bound), until: optional(Bound) });
export type Active = z.infer<typeof Active>;

/** Machines in waves: each group so long after the tick. */
export const Rollout = z.looseObject({
  strategy: z.enum(['wave']),
  waves: z.array(z.looseObject({ group: Id, delay: Humantime })).min(1),
});
export type Rollout = z.infer<typeof Rollout>;

export const OnFailure = z.looseObject({
  retry: optional(z.looseObject({ max: z.int().min(1).max(retriesMax), backoff: Humantime })),
});
export type OnFailure = z.infer<typeof OnFailure>;

/** When and where a job runs by itself, as stored in KV `schedules`. */
export const Schedule = z.looseObject({
  id: Id,
  job_id: Id,
  when: When,
  target: optional(Visibility),
  rollout: optional(Rollout),
  jitter: optional(Humantime),
  starting_deadline: optional(Humantime),
  deadline_at: optional(Instant),
  runs_on: optional(z.enum(['backend', 'agent'])),
  tz: optional(z.enum(['local', 'utc'])),
  active: optional(Active),
  constraints: optional(Constraints),
  on_failure: optional(OnFailure),
  enabled: optional(z.boolean()),
  tags: optional(z.array(z.string())),
  origin: optional(Origin),
});
export type Schedule = z.infer<typeof Schedule>;

/** What an absent field of a schedule means. */
export const scheduleDefaults = { runs_on: 'backend', tz: 'local', enabled: true } satisfies Partial<Schedule>;

/** Lowers `on_failure.retry` to what a command carries: whole seconds. */
export function retryOf({
  on_failure,
}: Pick<Schedule, 'on_failure'>): { max: number; backoff_secs: number } | undefined {
  const retry = on_failure?.retry;
  return retry && { max: retry.max, backoff_secs: Math.ceil((parseHumantime(retry.backoff) ?? 0) / 1000) };
}
