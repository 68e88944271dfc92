/** How jobs stand for those who wait for them: read once, and again when something of it may have changed. */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type Ending, isTerminal } from '@kanade/shared/job-words';
import { launchMsMax } from '../../life/decide-ending.ts';
import { waitForEnd } from '../../life/observe.ts';
import { type JobView, settle } from '../../life/settle.ts';
import { signalByNumber } from '../../process/send-signal.ts';
import { isClaimed } from '../../record/files.ts';
import { type JobDir, pathOf } from '../../record/layout.ts';
import { isDirectory } from '../../record/root.ts';
import type { Standing } from './decide-turn.ts';

export interface JobStandings {
  of(jobId: string): Standing;
  /** Reads it anew. */
  reread(jobId: string): Standing;
  /**
   * Reads those anew that may have changed without a word to us: `all`, or the restless ones, which may any moment, as may those that
   * stand outside the line. True when there is a restless one.
   */
  recheck(which: 'all' | 'restless', isInLine: (jobId: string) => boolean): boolean;
  /** Forgets all others. */
  keep(jobIds: ReadonlySet<string>): void;
}

export interface StandingsOptions {
  readonly root: string;
  readonly signal: AbortSignal;
  /** A job that ran has ended. */
  readonly onEnd: () => void;
}

interface Known {
  readonly standing: Standing;
  /** Its state file, as it was when it was read. */
  readonly stamp: string;
}

export function createStandings({ root, signal, onEnd }: StandingsOptions): JobStandings {
  const known = new Map<string, Known>();
  const watched = new Set<string>();
  const jobOf = (id: string): JobDir => ({ id, path: join(root, id) });
  const watchEnd = (id: string): void => {
    if (watched.has(id)) return;
    watched.add(id);
    const over = (): void => {
      watched.delete(id);
      if (signal.aborted) return;
      if (known.has(id)) reread(id);
      onEnd();
    };
    waitForEnd(jobOf(id), { signal }).then(over, over); // what went wrong shows when it is read again
  };
  const reread = (id: string): Standing => {
    const stamp = stampOf(jobOf(id));
    const standing = readStanding(jobOf(id));
    known.set(id, { standing, stamp });
    if (standing.kind === 'running') watchEnd(id);
    return standing;
  };
  return {
    of: (id) => known.get(id)?.standing ?? reread(id),
    reread,
    recheck(which, isInLine) {
      let hasRestless = false;
      for (const [id, { standing, stamp }] of known) {
        if (standing.kind === 'running') continue;
        const isRestless = standing.kind === 'starting' || standing.kind === 'restarting' || !isInLine(id);
        hasRestless ||= isRestless;
        if (isRestless || (which === 'all' && stampOf(jobOf(id)) !== stamp)) reread(id);
      }
      return hasRestless;
    },
    keep(ids) {
      for (const id of known.keys()) if (!ids.has(id)) known.delete(id);
    },
  };
}

function stampOf(job: JobDir): string {
  const stat = statSync(pathOf(job, 'state'), { throwIfNoEntry: false });
  return `${stat?.mtimeMs} ${stat?.ino} ${stat?.size}`;
}

export function readStanding(job: JobDir): Standing {
  if (!isDirectory(job.path)) return { kind: 'absent' };
  const view = settle(job);
  // Somebody is putting it into line again, and is not done: what it was has ended, and what it will be is not there yet.
  if (view.status !== 'running' && isClaimed(job, 'restart')) return { kind: 'restarting' };
  if (view.status === 'created') return { kind: existsSync(pathOf(job, 'record')) ? 'starting' : 'waiting' };
  if (view.status === 'running') return { kind: 'running' };
  const isSuccess = view.status === 'exited' && view.state?.result.exit_code === 0;
  return { kind: 'ended', isSuccess, how: isTerminal(view.status) ? howOf(view) : 'is in a state that cannot be read' };
}

/** A launch of it had begun, and whoever began it is gone. */
export function isAbandoned(job: JobDir): boolean {
  const begunAtMs = statSync(pathOf(job, 'record'), { throwIfNoEntry: false })?.mtimeMs;
  return begunAtMs !== undefined && Math.abs(Date.now() - begunAtMs) > launchMsMax;
}

function howOf({ state }: JobView): string {
  const ending: Ending | undefined = state?.ending;
  switch (ending?.kind) {
    case 'signaled':
      return `was ended by ${signalByNumber(ending.signal)?.name ?? `signal ${ending.signal}`}`;
    case 'timed_out':
      return 'timed out';
    case 'killed':
      return `was killed by ${ending.by}`;
    case 'not_started':
      return 'was not started';
    case 'lost':
      return 'is lost';
    default:
      return `exited with ${state?.result.exit_code ?? `signal ${state?.result.signal}`}`;
  }
}
