/** One process tree without a directory: started, awaited, stopped with proof. */
import { closeSync, constants, fstatSync, openSync, readSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Ending, StopBy } from '@kanade/shared/job';
import { removeControlGroup } from './control-group.ts';
import { enclose, encloseAfterMs } from './enclose.ts';
import { endingOf, type StopRequest, signalOf } from './ending.ts';
import { findProgram } from './find-program.ts';
import { identify, type ProcessIdentity } from './identity.ts';
import type { TreeTarget } from './members.ts';
import { parseShimRecord } from './shim.ts';
import { parseSignal, type SignalName } from './signal.ts';
import { spawnTree } from './spawn.ts';
import { defaultGraceMs, planStop } from './stop-plan.ts';
import { type StopReport, stopTree } from './stop-tree.ts';
import { treeVariable } from './tree.ts';

export interface SuperviseOptions {
  /** Program and arguments; no shell. */
  readonly argv: readonly string[];
  /** Default: the caller's. */
  readonly cwd?: string;
  /** Default: the caller's. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** File descriptors; default: no input, and the caller's output. They stay open in the caller. */
  readonly stdinFd?: number;
  readonly stdoutFd?: number;
  readonly stderrFd?: number;
}

export interface StopTree {
  /** Who asks; default the user. It stands in the ending. */
  readonly by?: StopBy;
  /** First signal; default TERM. */
  readonly signal?: SignalName;
  /** Time between the first signal and KILL, in ms; default 5,000. */
  readonly graceMs?: number;
  readonly abort?: AbortSignal;
}

export interface SupervisedTree {
  /** The leader of the tree, which records the ending. */
  readonly leader: ProcessIdentity;
  /** How it ended. `lost` when the leader was killed. Never rejects. */
  readonly ended: Promise<Ending>;
  /** Stops the whole tree; see {@link StopReport} for who is left. */
  stop(options?: StopTree): Promise<StopReport>;
  /** Lets the caller exit before the tree does. */
  release(): void;
}

/**
 * Starts a tree in a session of its own. It ends by itself or by `stop`, not with the caller; a clean end leaves daemons of
 * the tree alone. Throws what the system says when it cannot be started, and for a program that is not there. For an ending that outlives the caller, make
 * it a job.
 */
export function supervise(options: SuperviseOptions): SupervisedTree {
  const program = options.argv[0] ?? '';
  if (!findProgram(program, (options.env ?? process.env).PATH, options.cwd)) {
    throw new Error(`could not start ${JSON.stringify(program)}: there is no such program`);
  }
  const recordFd = openRecord();
  const mark = randomName();
  const spawned = startOrClose(recordFd, () =>
    spawnTree({
      argv: options.argv,
      cwd: options.cwd ?? process.cwd(),
      env: { ...(options.env ?? process.env), [treeVariable]: mark },
      stdinFd: options.stdinFd ?? null,
      stdoutFd: options.stdoutFd ?? 1,
      stderrFd: options.stderrFd ?? 2,
      recordFd,
    }),
  );
  const leader = identify(spawned.pid) ?? { pid: spawned.pid, start: '', boot: '' };
  let request: StopRequest | undefined;
  let controlGroup: string | undefined;
  const target = (): TreeTarget => ({ leader, mark, ...(controlGroup ? { controlGroup } : {}) });
  const enclosing = setTimeout(() => {
    const onGroup = (path: string): void => {
      controlGroup = path;
    };
    void enclose([{ target: target(), name: `tree-${mark}`, onGroup }]);
  }, encloseAfterMs);
  const ended = spawned.ended.then(() => {
    clearTimeout(enclosing);
    const ending = endingIn(readRecord(recordFd), request);
    closeSync(recordFd);
    if (controlGroup) removeControlGroup(controlGroup);
    return ending;
  });
  return {
    leader,
    ended,
    release() {
      enclosing.unref();
      spawned.release();
    },
    async stop({ by = 'user', signal = parseSignal('TERM'), graceMs = defaultGraceMs, abort } = {}) {
      if (!signal) throw new RangeError('this system has no SIGTERM');
      request ??= { intent: 'stop', by, signal_number: signal.number };
      return stopTree(target(), planStop(signal.name, graceMs), { signal: abort });
    },
  };
}

const randomName = (): string => crypto.randomUUID();

/** A file without a name: it is gone with the last who holds it. */
function openRecord(): number {
  const path = join(tmpdir(), `kanade-tree-${randomName()}`);
  const fd = openSync(path, constants.O_RDWR | constants.O_APPEND | constants.O_CREAT | constants.O_EXCL, 0o600);
  unlinkSync(path);
  return fd;
}

function startOrClose<T>(fd: number, start: () => T): T {
  try {
    return start();
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

function readRecord(fd: number): string {
  const bytes = Buffer.alloc(fstatSync(fd).size);
  return bytes.toString('utf8', 0, readSync(fd, bytes, 0, bytes.length, 0));
}

function endingIn(text: string, request: StopRequest | undefined): Ending {
  const record = parseShimRecord(text);
  if (record.kind !== 'ended') return { kind: 'lost', reason: 'its shim was killed before it could record the ending' };
  return endingOf(record.status, signalOf(record, request), request);
}
