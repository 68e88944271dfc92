/** Which dispatch a key of `scheduler_dispatch` remembers; its value is the instant of the last one. */
export type Dispatch =
  | { readonly kind: 'pc'; readonly schedule: string; readonly pc: string }
  | { readonly kind: 'target'; readonly schedule: string };

/**
 * `pc.<len>.<schedule>.<len>.<pc>` or `target.<len>.<schedule>`. The lengths make the join injective: ids may hold dots,
 * and without lengths two pairs could share a key.
 */
export function dispatchKey(dispatch: Dispatch): string {
  const schedule = prefixed(dispatch.schedule);
  return dispatch.kind === 'pc' ? `pc.${schedule}.${prefixed(dispatch.pc)}` : `target.${schedule}`;
}

/** What a key remembers; undefined when it is not such a key. */
export function parseDispatchKey(key: string): Dispatch | undefined {
  const kind = key.startsWith('pc.') ? 'pc' : key.startsWith('target.') ? 'target' : undefined;
  if (!kind) return undefined;
  const schedule = takePrefixed(key.slice(kind.length + 1));
  if (!schedule) return undefined;
  if (kind === 'target') return schedule.rest === '' ? { kind, schedule: schedule.text } : undefined;
  const pc = schedule.rest.startsWith('.') ? takePrefixed(schedule.rest.slice(1)) : undefined;
  return pc?.rest === '' ? { kind, schedule: schedule.text, pc: pc.text } : undefined;
}

const prefixed = (text: string): string => `${text.length}.${text}`;

function takePrefixed(text: string): { text: string; rest: string } | undefined {
  const match = /^([1-9]\d{0,3})\./.exec(text);
  if (!match) return undefined;
  const from = match[0].length;
  const to = from + Number(match[1]);
  return to <= text.length ? { text: text.slice(from, to), rest: text.slice(to) } : undefined;
}
