import { JobTailReply, readAs, tailSubject } from '@kanade/shared/fleet';
import { checkId } from '../catalogue/bucket.ts';
import type { Fleet } from '../connection/connect-fleet.ts';
import { FleetError } from '../fault/fleet-error.ts';
import { translate } from '../fault/translate.ts';
import { openQuestions } from '../watch/ask-machine.ts';

/** Result id → machine. */
type Runs = ReadonlyMap<string, string>;

const none: Runs = new Map();

/**
 * The run of that id as its machine knows it: running, ended, or neither when it knows none. Nothing is asked where no machine is named.
 * Throws FleetError `machine_away` when the machine is away.
 */
export async function runOn(
  fleet: Fleet,
  { execId, pc, signal }: { execId: string; pc?: string | undefined; signal?: AbortSignal | undefined },
): Promise<{ running: Runs; ended: Runs }> {
  if (pc === undefined) return { running: none, ended: none };
  checkId('a pc id', pc);
  using questions = openQuestions(fleet);
  const asked = { result_id: execId, exec_id: execId };
  const message = await questions.ask(tailSubject(pc), asked, signal).catch((error: unknown) => {
    throw translate(error, `asking ${pc} for ${execId}`, signal);
  });
  if (!message) throw new FleetError('machine_away', `${pc} does not answer: it is away, or there is no such machine`);
  const read = readAs(JobTailReply, message.json());
  const reply = read.ok ? read.value : {};
  if (!reply.found || !reply.result_id) return { running: none, ended: none };
  const run: Runs = new Map([[reply.result_id, pc]]);
  return reply.state === 'ended' ? { running: none, ended: run } : { running: run, ended: none };
}
