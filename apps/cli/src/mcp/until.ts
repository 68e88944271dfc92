/** How long a tool may wait before it answers (contract, section 8.2). */

/** Beyond it no number of seconds means anything. */
const secondsMax = 10 ** 15;

/** Seconds after which a waiting call is answered at the latest: clients and what lies between give up after 60. */
const untilMax = 50;

const variables = {
  untilDefault: 'AGENT_EXEC_MCP_DEFAULT_UNTIL_SECONDS',
  untilMax: 'AGENT_EXEC_MCP_MAX_UNTIL_SECONDS',
} as const;

export interface UntilRule {
  /** Seconds for a call that names none; undefined = as the tool does. */
  readonly untilDefault: number | undefined;
  readonly untilMax: number;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** The rule that the environment sets. A text that is no whole number, or one above 10^15, is named, and nothing is served. */
export function untilRule(env: Environment): UntilRule | { readonly fault: string } {
  const rule = { untilDefault: undefined as number | undefined, untilMax };
  for (const name of ['untilDefault', 'untilMax'] as const) {
    const text = env[variables[name]];
    if (text === undefined) continue;
    const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
    if (!(value <= secondsMax))
      return { fault: `${variables[name]} must be a whole number of seconds, at most 10^15: ${JSON.stringify(text)}` };
    rule[name] = value;
  }
  return rule;
}

/** Seconds that a call waits, and those that it asked for when that is less; `refused` says why it is not waited at all. */
export function secondsOf(
  asked: number | undefined,
  toolDefault: number,
  rule: UntilRule,
): { readonly until: number; readonly isCapped: boolean } | { readonly refused: string } {
  const wanted = asked ?? rule.untilDefault ?? toolDefault;
  if (wanted > secondsMax) return { refused: `until is at most 10^15 seconds: ${wanted}` };
  return { until: Math.min(wanted, rule.untilMax), isCapped: wanted > rule.untilMax };
}
