/**
 * What lives on of a tree that has ended. Most leave nobody behind, and on a machine with thousands of processes a close look at each would
 * cost a tenth of a second at each end: so what was once seen of a process is remembered, and all that is asked is who is there.
 */
import { readdirSync, type Stats, statSync } from 'node:fs';
import {
  ageMsOf,
  bootId,
  isAlive,
  isYoungTree,
  type ProcessIdentity,
  processesSince,
  readProcess,
} from './identity.ts';
import { fileKeyOf, membersOf, outputsOf, readMark, type TreeTarget } from './tree.ts';

/** A live process of a tree whose leader has ended. */
export interface Survivor {
  readonly identity: ProcessIdentity;
  /** It can still print: its stdout or stderr is a log of the tree. */
  readonly holdsLogs: boolean;
}

/** What lives on of a tree that has ended; none when it belongs to another boot. */
export function survivorsOf(target: TreeTarget): readonly Survivor[] {
  const { leader, logs = [] } = target;
  if (leader.boot !== bootId() || hasNobody(target)) return [];
  const processes = processesSince(leader);
  // Most jobs are young and leave nobody behind: they pay neither for tables nor for looks at their logs.
  if (processes.length === 0) return [];
  const members = membersOf({ ...target, ledAt: Number.POSITIVE_INFINITY }, { tick: 0, processes });
  // They were listed at the end of another tree, perhaps, when this one still ran.
  const left = members.map(({ pid, start }) => ({ pid, start, boot: leader.boot })).filter(isAlive);
  const keys = new Set(left.length === 0 ? [] : logs.map(fileKeyOf));
  return left.map((identity) => ({
    identity,
    holdsLogs: outputsOf(identity.pid).some((output) => output !== '' && keys.has(output)),
  }));
}

/** What was seen of a process. Whoever was none of a tree's never becomes one: its members are born as such, whatever they turn into. */
interface Known {
  /** Number of its directory and when that was made, in ms since 1970: the kernel makes another for whoever gets the pid next. */
  readonly inode: number;
  readonly madeAtMs: number;
  readonly start: number;
  readonly parent: number;
  readonly group: number;
  readonly session: number;
  ties?: Ties;
}

interface Ties {
  /** Empty: none. */
  readonly mark: string;
  /** Keys of files, each between blanks. */
  readonly outputs: string;
}

/** The processes of the machine at one time. */
interface Census {
  readonly known: ReadonlyMap<number, Known>;
  /** When it began, on the clock of `performance.now()`. */
  readonly atMs: number;
}

let last: Census = { known: new Map(), atMs: Number.NEGATIVE_INFINITY };

/** One census serves the trees that end within so many ms. */
const sharedMsMax = 50;

/**
 * True when nobody is left of a tree whose leader has ended. False for a young tree, and when somebody may be: then all have to be looked
 * at closely. What is remembered may be older than what a process is now, so nobody is named by it.
 */
function hasNobody(target: TreeTarget): boolean {
  const { leader } = target;
  if (process.platform !== 'linux' || isYoungTree(leader)) return false;
  const wasThere = performance.now() - last.atMs <= sharedMsMax && (ageMsOf(leader) ?? 0) > 2 * sharedMsMax;
  // Where leader and members had gone by then, nobody can have been born of them since.
  if (wasThere && !last.known.has(leader.pid) && !someTied(last, target)) return true;
  last = takeCensus(last);
  return !someTied(last, target);
}

/** Reads what is known of those alone who have come since the one before. */
function takeCensus({ known: before }: Census): Census {
  const atMs = performance.now();
  const known = new Map<number, Known>();
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    const stat = pid ? directoryOf(pid) : undefined;
    if (!stat) continue;
    const seen = before.get(pid);
    const now = seen && isSame(seen, stat) ? seen : firstLook(pid, stat);
    if (now) known.set(pid, now);
  }
  return { known, atMs };
}

function directoryOf(pid: number): Stats | undefined {
  try {
    return statSync(`/proc/${pid}`, { throwIfNoEntry: false });
  } catch {
    return undefined; // not ours to look at
  }
}

function firstLook(pid: number, { ino, ctimeMs }: Stats): Known | undefined {
  const entry = readProcess(pid);
  if (!entry) return undefined;
  const { start, parent, group, session } = entry;
  return { inode: ino, madeAtMs: ctimeMs, start: Number(start), parent, group, session };
}

/** Somebody of the census is tied to the tree, or was when he was first looked at, or went before he could be. */
function someTied({ known }: Census, target: TreeTarget): boolean {
  const { leader, logs = [], mark } = target;
  const keys = logs.map(fileKeyOf).filter((key) => key !== '');
  for (const [pid, who] of known) {
    if (pid === leader.pid) continue;
    if (who.session === leader.pid || who.group === leader.pid || who.parent === leader.pid) return true;
    if (who.start < Number(leader.start)) continue; // no member is older than its leader
    const ties = who.ties ?? lookAtTies(pid, who);
    if (!ties || ties.mark === mark || keys.some((key) => ties.outputs.includes(` ${key} `))) return true;
  }
  return false;
}

/**
 * Undefined when the process has gone meanwhile. Remembered where its environment could be read: one that has none, or is just becoming
 * another program, is looked at each time.
 */
function lookAtTies(pid: number, who: Known): Ties | undefined {
  const mark = readMark(pid);
  const isRead = typeof mark === 'string';
  // A part of a text holds all of it: of an environment that may be much.
  const ties = { mark: isRead ? Buffer.from(mark).toString() : '', outputs: ` ${outputsOf(pid).join(' ')} ` };
  const stat = directoryOf(pid);
  if (!stat || !isSame(who, stat)) return undefined;
  if (isRead) who.ties = ties;
  return ties;
}

/** The directory of a process is still that of the one who was seen. */
const isSame = (who: Known, { ino, ctimeMs }: Stats): boolean => who.inode === ino && who.madeAtMs === ctimeMs;
