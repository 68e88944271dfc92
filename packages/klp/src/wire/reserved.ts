/*
 * The notifications of the protocol itself. JSON-RPC keeps names that begin with `rpc.` for such extensions; a peer that does not know one ignores it,
 * as it ignores every notification it does not know.
 */

/** From the client, `{"id":<string>}`: the answer to that request is not wanted any more. */
export const cancelMethod = 'rpc.cancel';

/** From the server, `{"counts":{<push>:<number>}}`: so many droppable pushes were dropped since the last such word. */
export const droppedMethod = 'rpc.dropped';

/** The id in the params of a cancel, or undefined when there is none. */
export function cancelledId(params: unknown): string | undefined {
  const id = isRecord(params) ? params.id : undefined;
  return typeof id === 'string' ? id : undefined;
}

/** The counts in the params of a dropped notice that are whole numbers above 0, undefined without any; unknown pushes are the reader's to judge. */
export function droppedCounts(params: unknown): Record<string, number> | undefined {
  const counts = isRecord(params) && isRecord(params.counts) ? params.counts : {};
  const known = Object.entries(counts).filter(([, count]) => Number.isSafeInteger(count) && (count as number) > 0);
  return known.length === 0 ? undefined : (Object.fromEntries(known) as Record<string, number>);
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
