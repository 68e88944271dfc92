/** What the agent finds of itself and its machine when somebody asks whether all is well: as `kanade doctor` says it. */
import { statfs } from 'node:fs/promises';
import { type Durable, lastLoss } from '@kanade/durable';
import type { Outbox } from '@kanade/outbox';
import type { Jobs } from '@kanade/runner';
import type { BrokerState } from '../fleet/connect.ts';
import type { KeyRing } from '../intake/key-ring.ts';

export interface FindingsOptions {
  readonly dataDir: string;
  readonly file: Pick<Durable, 'salvages'>;
  readonly outbox: Pick<Outbox, 'count'>;
  readonly jobs: Pick<Jobs, 'health'>;
  readonly ring: { readonly current: KeyRing };
  readonly broker: () => BrokerState;
}

interface Finding {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
}

/** Below so many bytes a chatty job fills the disk within minutes. */
const freeBytesMin = 1024 ** 3;

export async function findingsOf(options: FindingsOptions): Promise<Finding[]> {
  const looks: [name: string, look: () => Promise<Omit<Finding, 'name'>> | Omit<Finding, 'name'>][] = [
    ['disk', () => disk(options.dataDir)],
    ['agent_losses', () => losses(options.file)],
    ['agent_results', () => results(options.outbox)],
    ['agent_orders', () => orders(options.ring.current)],
    ['broker', () => broker(options.broker())],
    ['control_groups', () => controlGroups(options.jobs)],
  ];
  const found: Finding[] = [];
  for (const [name, look] of looks) {
    try {
      found.push({ name, ...(await look()) });
    } catch (error) {
      found.push({ name, ok: false, detail: `could not be looked at: ${(error as Error).message}` });
    }
  }
  return found;
}

async function disk(dataDir: string) {
  const { bavail, bsize, ffree } = await statfs(dataDir);
  const free = bavail * bsize;
  const detail = `${(free / 1024 ** 3).toFixed(1)} GiB and ${ffree} inodes free where the agent keeps its data`;
  return { ok: free >= freeBytesMin, detail };
}

async function losses(file: FindingsOptions['file']) {
  const loss = lastLoss(await file.salvages());
  if (!loss) return { ok: true, detail: 'nothing was ever lost' };
  return { ok: false, detail: `damaged, and replaced at ${new Date(loss.atMs).toISOString()} (${loss.reason})` };
}

async function results(outbox: FindingsOptions['outbox']) {
  const { ready, waiting, held, quarantined, lost } = await outbox.count();
  const detail = `${ready.records + waiting.records + held.records} wait for their delivery, ${quarantined.records} in quarantine, ${lost.records} lost by damage`;
  return { ok: quarantined.records === 0, detail };
}

function orders(ring: KeyRing) {
  if (ring.kind === 'locked') return { ok: false, detail: `every order is refused: ${ring.reason}` };
  const detail = { absent: 'are not verified', held: 'are verified' }[ring.kind];
  return { ok: true, detail: `orders ${detail}` };
}

function broker(state: BrokerState) {
  if (state.kind === 'none') return { ok: true, detail: 'none is configured' };
  if (state.kind === 'connected') return { ok: true, detail: `connected to ${state.server}` };
  const since = state.sinceMs === undefined ? 'no connection yet' : `since ${new Date(state.sinceMs).toISOString()}`;
  return { ok: false, detail: `away, ${since}` };
}

function controlGroups(jobs: FindingsOptions['jobs']) {
  const detail = jobs.health().hasControlGroups ? 'each job gets one' : 'jobs are taken by process group and session';
  return { ok: true, detail };
}
