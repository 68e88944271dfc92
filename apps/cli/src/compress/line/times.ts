/** Times in log lines: what differs between two lines that say the same. */

const dateTime = /\d{4}[-/]\d{2}[-/]\d{2}[T ]\d{2}:\d{2}:\d{2}(?:[.,]\d{1,9})?(?:Z|[+-]\d{2}:?\d{2})?/g;
const syslogTime = /^(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) [ \d]\d \d{2}:\d{2}:\d{2}/;
const clock = /(?<![\d:])\d{1,2}:\d{2}:\d{2}(?:[.,]\d{1,9})?(?![\d:])/g;

/** The line with every date and time replaced by a word. The same text when it has none. */
export function withoutTimes(text: string): string {
  if (!text.includes(':')) return text;
  return text.replace(dateTime, '<time>').replace(syslogTime, '<time>').replace(clock, '<clock>');
}
