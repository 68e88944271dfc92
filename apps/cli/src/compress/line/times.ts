/** Times in log lines: what differs between two lines that say the same. */

const times =
  /\d{4}[-/]\d{2}[-/]\d{2}[T ]\d{2}:\d{2}:\d{2}(?:[.,]\d{1,9})?(?:Z|[+-]\d{2}:?\d{2})?|^[A-Z][a-z]{2} [ \d]\d \d{2}:\d{2}:\d{2}|(?<![\d:])\d{1,2}:\d{2}:\d{2}(?:[.,]\d{1,9})?(?![\d:])/g;

/** The line with every date and time replaced by a word. The same text when it has none. */
export const withoutTimes = (text: string): string => (text.includes(':') ? text.replace(times, '<time>') : text);
