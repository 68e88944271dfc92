import type { RunView } from '../../run/board.ts';
import type { Category } from '../catalogue/categories.ts';
import type { Dictionary } from './en.ts';
import type { Language } from './language.ts';

export function categoryLabel(category: Category, text: Dictionary): string {
  return 'text' in category.label ? category.label.text : text[category.label.builtIn];
}

/** What a run is doing, in words; never by colour alone. */
export function statusWords(run: Pick<RunView, 'status' | 'stopping' | 'exit_code'>, text: Dictionary): string {
  if (run.stopping) return text.stopping;
  if (run.status !== 'failed' || run.exit_code === undefined || run.exit_code < 0) return text[run.status];
  return text.failedWith(run.exit_code);
}

export function durationWords(durationMs: number, text: Dictionary): string {
  const seconds = Math.max(0, Math.floor(durationMs / 1000));
  return seconds < 60 ? text.seconds(seconds) : text.minutes(Math.floor(seconds / 60), seconds % 60);
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
    refused: text.errorRefused,
    not_allowed: text.errorNotAllowed,
    not_found: text.errorNotFound,
    too_many: text.errorTooMany,
    agent_slow: text.errorSlow,
    gone: text.goneText,
    no_session: text.lockedText,
  };
  return (Object.hasOwn(known, failure.code) && known[failure.code]) || text.errorOther(failure.message);
}
