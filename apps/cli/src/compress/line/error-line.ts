/**
 * Which lines are errors: the rule behind "error lines always survive" (docs/guide/compression.md). Three widths, because the
 * lines of a listing or a search are what somebody asked for and no messages: `message` for what tools say, `log` for files that may
 * be logs, `prefix` for data. Every pattern is linear in the line: no repeated group, and `.*` only behind an anchor.
 */

export type ErrorRule = 'message' | 'log' | 'prefix';

/** `error: …`, `fatal: …`, `npm ERR! …`, `ls: cannot access …`, `! [rejected]`: said by a program about its own work. */
const prefixed = [
  /^\s*(?:error|fatal|panic|fatal error|critical|failed|failure)\b\s?(?:\[[\w-]+\])?(?:\(\w+\))?\s?[:!]/i,
  /^(?:npm |pnpm )?(?:ERR!|error |ERR_\w+|\s?ERR_PNPM)/,
  /^E: /,
  /^(?:remote: |hint: )?(?:error|fatal|CONFLICT)[ :]/,
  /^\s?! \[/,
  /^[\w.+/-]{1,64}: .*(?:cannot|can't|could not|couldn't|unable to|denied|no such|not found|is a directory|not a directory|fail|invalid|error|refused|timed out|not recognized|unknown option)/i,
  /^Traceback \(most recent call last\)/,
  /^(?:[\w.]+\.)?\w*(?:Error|Exception)(?:: |$)/,
] as const;

const levels = /(?<![\w/-])(?:ERROR|ERR|FATAL|CRITICAL|CRIT|PANIC|SEVERE|EMERG|ALERT)(?![\w-]|\.\w)/;
const levelFields =
  /"(?:level|severity|lvl|levelname|log\.level)" ?: ?(?:"(?:error|err|fatal|critical|panic|emerg|alert)"|[56]0\b)|"Action":"fail"|(?:^|[\s,])(?:level|lvl|severity)="?(?:error|err|fatal|critical|panic|crit|emerg)/i;

const words =
  /(?<![\w/-])(?:errors?|panic(?:ked)?|fail(?:ed|ure|ures|s|ing)?|fatal|traceback|abort(?:ed|ing)?|segfault|segmentation fault|core dumped|critical|severe|exception|unhandled|uncaught|assert(?:ion)?|undefined reference|not ok)(?![\w/-]|\.\w|\()/i;
const camel = /[a-z](?:Error|Exception)(?!\w|\.\w)/;
const marks = /^\s*(?:[✗✖✘⨯×●]\s|E {2,})/;

/** `0 errors`, `failed: 0`: what sounds like an error and says that there is none. */
const none =
  /(?<![\w.])(?:0|no|without|zero)\s(?:\w+\s)?(?:errors?|failures?|failed|fail(?:s|ing)?|panics?)\b|\b(?:errors?|failures?|failed|fails?|failing)[:= ]\s?0(?![\w.])/gi;
const passing =
  /(?:\.\.\. ok|\bPASSED\b|\bok)(?: \([^)]{0,80}\)| {1,80}\[ {0,3}\d+%\])?\s{0,80}$|^\s*(?:✓|✔|√|ok \d|--- PASS|PASS\b|ok\s)/;

/** What every error line has somewhere: most lines are none, and this pattern alone says so. */
const hint =
  /err|fail|fatal|panic|excep|traceb|abort|seg[fm]|core d|crit|sever|unhan|uncau|assert|undefined r|not [fo]|emerg|alert|le?v.?l|can(?:no|')t|could|unable|denied|no such|directory|invalid|refused|timed|unknown|conflict|[✗✖✘⨯×●]|^\s*E[: ]|^\s?! \[/i;

const saysPrefixed = (text: string): boolean => prefixed.some((pattern) => pattern.test(text));
const saysLevel = (text: string): boolean => levels.test(text) || levelFields.test(text);

function saysWord(text: string): boolean {
  if (!words.test(text) && !camel.test(text)) return marks.test(text) && !passing.test(text);
  if (passing.test(text)) return false;
  const rest = text.replace(none, '');
  return rest.length === text.length || words.test(rest) || camel.test(rest);
}

/** True for a line that is an error by the rule. The text has no escape sequences in it. */
export function isErrorLine(text: string, rule: ErrorRule): boolean {
  if (!hint.test(text)) return false;
  if (rule === 'message') return saysWord(text) || saysPrefixed(text) || saysLevel(text);
  return saysPrefixed(text) || (rule === 'log' && saysLevel(text));
}

/** Where in a line its error word stands; 0 for none. */
export const errorPlace = (text: string): number => {
  const place = text.search(words);
  return place < 0 ? Math.max(0, text.search(levels)) : place;
};
