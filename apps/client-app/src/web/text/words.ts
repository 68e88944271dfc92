import { syntheticExits } from '@kanade/shared/fleet-words';
import type { RunView } from '../../run/runs.ts';
import type { Category } from '../catalogue/categories.ts';
import type { Dictionary } from './en.ts';
import type { Language } from './language.ts';

export function categoryLabel(category: Category, text: Dictionary): string {
  return 'text' in category.label ? category.label.text : text[category.label.builtIn];
}

/** What people are told of: a run, or the last one of a job. */
type Told = Pick<RunView, 'status' | 'exit_code' | 'skipped'>;

/** What a run is doing, in words; never by colour alone. */
export function statusWords(run: Told & Pick<RunView, 'stopping'>, text: Dictionary): string {
  if (run.stopping) return text.stopping;
  const status = toldStatus(run);
  if (status !== 'failed' || run.exit_code === undefined || exitWords[run.exit_code]) return text[status];
  return text.failedWith(run.exit_code);
}

export function durationWords(durationMs: number, text: Dictionary): string {
  const seconds = Math.max(0, Math.floor(durationMs / 1000));
  if (seconds < 60) return text.seconds(seconds);
  const minutes = Math.floor(seconds / 60);
  return minutes < 60 ? text.minutes(minutes, seconds % 60) : text.hours(Math.floor(minutes / 60), minutes % 60);
}

/** The size of a file. */
export function sizeWords(bytes: number, language: Language): string {
  const [unit, count] = bytes < 1024 ? ['byte', bytes] : ['kilobyte', bytes / 1024];
  return new Intl.NumberFormat(language, { style: 'unit', unit, maximumFractionDigits: 1 }).format(count);
}

/** What is left of a time, as minutes and seconds. */
export function countdownWords(leftMs: number, text: Dictionary): string {
  const seconds = Math.max(0, Math.ceil(leftMs / 1000));
  return text.timeLeft(Math.floor(seconds / 60), String(seconds % 60).padStart(2, '0'));
}

/** Exit codes that the agent makes up for what did not end by itself, and what a person may do about them. Some may also come from programs. */
const exitWords: Readonly<Record<number, 'exitLost' | 'exitUnsigned' | 'exitNone'>> = {
  [syntheticExits.outcome_unknown.code]: 'exitLost',
  [syntheticExits.rejected.code]: 'exitUnsigned',
  [syntheticExits.no_exit_code.code]: 'exitNone',
};

/** Those of what was kept from starting, which no program returns. */
const skipWords: Readonly<Record<number, 'exitStale' | 'exitRevoked' | 'exitUnsupported'>> = {
  [syntheticExits.staleness.code]: 'exitStale',
  [syntheticExits.revoked.code]: 'exitRevoked',
  [syntheticExits.unsupported.code]: 'exitUnsupported',
};

/** The next step after a run that failed, or did not start; undefined after any other. */
export function nextStepWords({ status, exit_code = 0, skipped }: Told, text: Dictionary): string | undefined {
  if (status !== 'failed') return undefined;
  return text[skipped ? (skipWords[exit_code] ?? 'skippedText') : (exitWords[exit_code] ?? 'failedText')];
}

/** The status that people are told: what was kept from starting did not fail, nor did what nobody knows the outcome of. */
export function toldStatus({ status, exit_code, skipped }: Told): RunView['status'] | 'skipped' {
  if (status !== 'failed') return status;
  if (skipped) return 'skipped';
  return exit_code === syntheticExits.outcome_unknown.code ? 'unknown' : status;
}

/** Time of day for today, date and time for any other day. */
export function instantWords(instant: string, language: Language, now: Date = new Date()): string {
  const at = new Date(instant);
  const isToday = at.toDateString() === now.toDateString();
  return new Intl.DateTimeFormat(
    language,
    isToday ? { timeStyle: 'short' } : { dateStyle: 'medium', timeStyle: 'short' },
  ).format(at);
}

/** What to tell the reader about something that did not work. */
export function failureWords(failure: { readonly code: string; readonly message: string }, text: Dictionary): string {
  const known: Record<string, string> = {
    away: text.errorAway,
    offline: text.exitStale,
    refused: text.errorRefused,
    not_allowed: text.errorNotAllowed,
    not_found: text.errorNotFound,
    too_many: text.errorTooMany,
    agent_slow: text.errorSlow,
    gone: text.goneText,
    no_session: text.lockedText,
    no_such_job: text.errorNoSuchJob,
  };
  return (Object.hasOwn(known, failure.code) && known[failure.code]) || text.errorOther(failure.message);
}
