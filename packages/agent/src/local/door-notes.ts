/** What happens at the local socket, in the log: anybody at the machine can make it happen as often as they like, and must not fill it. */
import type { ListenEvent } from '@kanade/klp/socket';
import type { Logger } from '../config/logger.ts';
import { limits } from '../limits.ts';

/** Says what happens once a minute for each kind of event, refusals for each user, with how often it went unsaid since the last time. */
export function createDoorNotes(
  log: Pick<Logger, 'warn'>,
  clockMs: () => number = () => performance.now(),
): (event: ListenEvent) => void {
  const said = new Map<string, { readonly atMs: number; unsaid: number }>();
  return (event) => {
    const own = event.kind === 'peer_refused' ? `${event.kind} ${event.peer.uid}` : event.kind;
    const key = said.has(own) || said.size < limits.doorNotesMax ? own : event.kind;
    const before = said.get(key);
    if (before && clockMs() - before.atMs < limits.doorNoteEveryMs) {
      before.unsaid += 1;
      return;
    }
    said.set(key, { atMs: clockMs(), unsaid: 0 });
    log.warn({ event, ...(before?.unsaid ? { unsaid: before.unsaid } : {}) }, 'local socket');
  };
}
