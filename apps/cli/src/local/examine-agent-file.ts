/** The durable file of an agent as `doctor` sees it: whether it is sound, what it has lost, what waits in it. Loaded on demand, with SQLite. */
import { existsSync } from 'node:fs';
import { DurableError, inspectDurable, lastLoss, type SalvageReport } from '@kanade/durable';
import { inspectOutbox, OutboxError, type OutboxInspector } from '@kanade/outbox';
import type { Finding } from './examine.ts';

/** How long an agent that writes is waited for, ms. */
const lockWaitMs = 5_000;

const name = 'agent_file';

/** @param damaged what to say of a file that its agent will replace */
export async function examineAgentFile(path: string, damaged: (why: string) => Finding): Promise<Finding[]> {
  const findings: Finding[] = [];
  try {
    using file = inspectDurable({ path, lockWaitMs });
    findings.push(losses(await file.salvages()));
    using outbox = inspectOutbox({ path, limits: { lockWaitMs } });
    findings.push(await soundness(path, outbox, damaged), await results(path, outbox));
  } catch (error) {
    findings.push(unreadable(path, error, damaged));
  }
  return findings;
}

/** A loss is told for as long as the file from before is kept: whoever removes that has seen to it. */
function losses(salvages: readonly SalvageReport[]): Finding {
  const name = 'agent_losses';
  const loss = lastLoss(salvages);
  const last = loss ?? salvages.at(-1);
  if (last === undefined) return { name, ok: true, detail: 'nothing was ever lost' };
  const when = `damaged, and replaced at ${new Date(last.atMs).toISOString()} (${last.reason})`;
  if (loss === undefined) return { name, ok: true, detail: `${when}: nothing was lost` };
  const tables = loss.tables
    .map(({ table, lostRows }) => `${table} (${lostRows ?? 'nobody knows how many'})`)
    .join(', ');
  const detail = `${when}: rows may be lost of ${tables}`;
  if (!existsSync(loss.setAsidePath)) return { name, ok: true, detail: `${detail}; the file from before was removed` };
  const fix = `compare what the fleet awaits with what it got: orders that the agent forgot end as lost; then remove ${loss.setAsidePath}*`;
  return { name, ok: false, detail, fix };
}

async function soundness(path: string, outbox: OutboxInspector, damaged: (why: string) => Finding): Promise<Finding> {
  const { ok, records, damagedRecords, problems } = await outbox.verify({ structure: true });
  if (ok) return { name, ok, detail: `${path} is sound` };
  const [first] = problems;
  return damaged(first ?? `${damagedRecords} of ${records} results differ from what was written`);
}

async function results(path: string, outbox: OutboxInspector): Promise<Finding> {
  const name = 'agent_results';
  const { ready, waiting, held, quarantined, lost } = await outbox.count();
  const underway = ready.records + waiting.records + held.records;
  const detail = `${underway} wait for their delivery, ${quarantined.records} in quarantine, ${lost.records} lost by damage`;
  if (quarantined.records === 0) return { name, ok: true, detail };
  const fix = `kanade outbox quarantine ${path} says why; kanade outbox replay ${path} --all tries them again`;
  return { name, ok: false, detail, fix };
}

function unreadable(path: string, error: unknown, damaged: (why: string) => Finding): Finding {
  if (!(error instanceof DurableError || error instanceof OutboxError)) throw error;
  const fixes: Readonly<Record<string, string>> = {
    newer_version: 'call the program that runs as its agent',
    older_version: 'start the agent of this version once',
    busy: 'try again',
  };
  // A file without the tables of an agent is as good as damaged: its agent makes them.
  if (error.code === 'damaged' || error.code === 'no_outbox') return damaged(error.message);
  return { name, ok: false, detail: error.message, fix: fixes[error.code] ?? `correct the owner and mode of ${path}` };
}
