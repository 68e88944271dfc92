/** What stream EXEC holds: the newest order of each job and target, for machines that come to it later. */
import { type Command, readBody, readCommand, streams, type Target } from '@kanade/shared/fleet';
import type { Fleet } from '../connection/connect-fleet.ts';
import { readHeld } from '../stream/read-held.ts';

/** An order as it waits in the stream. */
export interface WaitingOrder {
  readonly subject: string;
  readonly sequence: number;
  readonly command: Command;
}

/** Every order in the stream that can be read, oldest first. The stream holds 64 MiB at most. */
export async function* waitingOrders(
  fleet: Fleet,
  signal: AbortSignal | undefined,
): AsyncGenerator<WaitingOrder, void> {
  for await (const { subject, seq, data } of readHeld(fleet, { stream: streams.exec, from: 1, signal })) {
    const command = commandIn(data);
    if (command) yield { subject, sequence: seq, command };
  }
}

/** The command in the bytes of an order, signed or not; undefined for what is none. Nothing is verified here. */
function commandIn(bytes: Uint8Array): Command | undefined {
  const body = readBody(bytes);
  if (body.form === 'unreadable') return undefined;
  const read = readCommand(body.form === 'envelope' ? body.value.command : body.value);
  return read.ok ? read.value : undefined;
}

/** Whom an order of this job on this subject is for; ids may hold dots, so the job's own id says where the target ends. */
export function targetOn(subject: string, jobId: string): Target | undefined {
  const base = subject.endsWith(`.${jobId}`) ? subject.slice(0, -jobId.length - 1) : subject;
  if (base === 'commands.all') return { kind: 'all' };
  const [, kind, id] = /^commands\.(pc|group)\.(.+)$/.exec(base) ?? [];
  if (id === undefined) return undefined;
  return kind === 'pc' ? { kind, pc: id } : { kind: 'group', group: id };
}
