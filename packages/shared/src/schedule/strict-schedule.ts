import { type Fault, strictAs } from '../scalar/strict.ts';
import { isPlainDate, parseAt } from './calendar.ts';
import { Schedule, scheduleDefaults, whenFormOf } from './schedule.ts';

export interface StrictScheduleOptions {
  /** Whether a job of that id exists; without it the id is not looked up. */
  isKnownJob?(jobId: string): boolean;
}

/**
 * Parses a schedule at a write boundary: unknown keys, forms that cannot run where they are to run, and every other fault
 * together, each with its path. Never throws.
 */
export function strictSchedule(
  value: unknown,
  options: StrictScheduleOptions = {},
): { ok: true; schedule: Schedule } | { ok: false; faults: Fault[] } {
  const read = strictAs(Schedule, value, (schedule) => [
    ...placeFaults(schedule),
    ...timeFaults(schedule),
    ...jobFaults(schedule, options),
  ]);
  return read.ok ? { ok: true, schedule: read.value } : { ok: false, faults: [...read.faults] };
}

/** Forms and constraints that only one place can evaluate. */
function placeFaults({ when, runs_on, constraints }: Schedule): Fault[] {
  const place = runs_on ?? scheduleDefaults.runs_on;
  const only = (wanted: 'agent' | 'backend', path: string, why: string): Fault[] =>
    place === wanted ? [] : [{ path, message: `needs runs_on: ${wanted}, because ${why}: ${place}` }];
  return [
    ...(when.per_pc === 'once_per_version'
      ? only('backend', 'when.per_pc', 'only the backend knows which versions ran')
      : []),
    ...(when.per_target !== undefined
      ? only('backend', 'when.per_target', 'only the backend sees the whole target')
      : []),
    ...(when.on !== undefined ? only('agent', 'when.on', 'only the machine sees its events') : []),
    ...(constraints?.max_concurrent !== undefined
      ? only('backend', 'constraints.max_concurrent', 'only the backend counts the fleet')
      : []),
    ...(constraints?.require !== undefined
      ? only('agent', 'constraints.require', 'only the machine knows its state')
      : []),
  ];
}

function timeFaults({ when, active, constraints, tz }: Schedule): Fault[] {
  const faults: Fault[] = [];
  if (whenFormOf(when) === 'calendar' && when.calendar?.days && parseAt(when.calendar.at)?.kind === 'once') {
    faults.push({ path: 'when.calendar.days', message: 'cannot stand beside a date: a one-shot has its day' });
  }
  for (const [index, date] of (constraints?.skip_dates ?? []).entries()) {
    if (isPlainDate(date)) continue;
    const message = `must be a date YYYY-MM-DD: ${JSON.stringify(date)}`;
    faults.push({ path: `constraints.skip_dates.${index}`, message });
  }
  if (active?.from && active.until && isSurelyNotBefore(active.from, active.until, tz === 'utc')) {
    faults.push({ path: 'active.until', message: `must be after active.from (${active.from}): ${active.until}` });
  }
  return faults;
}

function jobFaults({ job_id }: Schedule, { isKnownJob }: StrictScheduleOptions): Fault[] {
  return isKnownJob && !isKnownJob(job_id) ? [{ path: 'job_id', message: `no such job: ${job_id}` }] : [];
}

const hourMs = 3_600_000;

/**
 * Whether `from` is at or after `until` on every clock. A bare date is midnight of a zone that is not known here when `tz`
 * is local (UTC-12 to UTC+14), so against an RFC 3339 time only what holds in all zones counts.
 */
function isSurelyNotBefore(from: string, until: string, isUtc: boolean): boolean {
  const hasSameKind = isPlainDate(from) === isPlainDate(until);
  const slackMs = (text: string, hours: number): number =>
    Date.parse(text) + (hasSameKind || isUtc || !isPlainDate(text) ? 0 : hours * hourMs);
  return slackMs(from, -14) >= slackMs(until, 12);
}
