/** What a person at the machine may read of the agent's own log. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { localDefaults, localListMax } from '@kanade/shared/local';
import type { LogReader } from '../config/log-file.ts';
import { limits } from '../limits.ts';
import type { Ledger } from '../store/ledger.ts';

interface LogTailOptions {
  readonly agentLog: LogReader;
  readonly ledger: Pick<Ledger, 'ownerOf'>;
}

/** Who asks. */
interface Reader {
  readonly uid: number;
  readonly userKey: string;
}

/** Lines that are looked at in one turn of the event loop. */
const linesPerTurn = 100;
/** The level of pino from which on a line is for everybody. */
const levelInfo = 30;

/**
 * Reads the log for somebody at the machine. Root and whoever runs the agent could read the file, so they get it as it is. The log
 * tells of everybody's runs: to others it says what happened and when, from level info on, and the runs that were their own. `truncated`: more lines were asked for than anybody gets.
 */
export function createLogTail({ agentLog, ledger }: LogTailOptions) {
  const isTrusted = (uid: number): boolean => uid === 0 || uid === process.getuid?.();
  return async ({ uid, userKey }: Reader, asked: number | undefined) => {
    const wanted = asked ?? localDefaults['system.log_tail'].params.lines;
    const countMax = Math.min(wanted, localListMax.logTailLines);
    const more = wanted > countMax ? { truncated: true } : {};
    if (isTrusted(uid)) return { lines: linesOf(agentLog.last(countMax, limits.logAnswerBytesMax).text), ...more };
    const isOwn = (runId: string): boolean => ledger.ownerOf(runId) === userKey;
    // What is left out does not count as a line: as many are looked at as an answer may hold.
    const all = linesOf(agentLog.last(Number.MAX_SAFE_INTEGER, limits.logAnswerBytesMax).text);
    return { lines: await forOthers(all, countMax, isOwn), ...more };
  };
}

const linesOf = (text: string): string[] => text.split('\n').filter((line) => line !== '');

async function forOthers(all: readonly string[], countMax: number, isOwn: (runId: string) => boolean) {
  const shown: string[] = [];
  for (let at = all.length - 1; at >= 0 && shown.length < countMax; at--) {
    const line = lineForOthers(all[at] ?? '', isOwn);
    if (line !== undefined) shown.push(line);
    if ((all.length - at) % linesPerTurn === 0) await nextTurn();
  }
  return shown.reverse();
}

/** A line without whatever it says of somebody: its text is one of the agent's own. Undefined for one that is not for everybody. */
export function lineForOthers(line: string, isOwn: (runId: string) => boolean): string | undefined {
  let said: unknown;
  try {
    said = JSON.parse(line);
  } catch {
    return undefined; // damage, or not ours
  }
  if (typeof said !== 'object' || said === null) return undefined;
  const { level, time, msg, run_id } = said as Record<string, unknown>;
  if (typeof level !== 'number' || level < levelInfo || typeof time !== 'string' || typeof msg !== 'string')
    return undefined;
  return JSON.stringify({ level, time, msg, ...(typeof run_id === 'string' && isOwn(run_id) ? { run_id } : {}) });
}
