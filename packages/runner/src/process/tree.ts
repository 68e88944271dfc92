/** Who belongs to a tree: by session, group and descent, by its control group, by its logs, by the mark it was started with. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { controlGroupMembers, isInControlGroup } from './control-group/control-group.ts';
import {
  bootId,
  clockTick,
  isExiting,
  listProcesses,
  type ProcessEntry,
  type ProcessIdentity,
  readProcess,
} from './identity.ts';
import { createProcessTable } from './process-table.ts';

/** True when some process that we may see has this file open. Reads the descriptors of all: for what happens rarely. Linux only; elsewhere true. */
export function isOpenAnywhere(path: string): boolean {
  if (process.platform !== 'linux') return true;
  const key = fileKeyOf(path);
  return readdirSync('/proc').some((pid) => /^\d+$/.test(pid) && openFilesOf(pid).includes(key));
}

function openFilesOf(pid: string): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).map((fd) => fileKeyOf(`/proc/${pid}/fd/${fd}`));
  } catch {
    return []; // it has ended, or is somebody else's
  }
}

/** What the stdout and stderr of a process are, as keys of files. Linux only; elsewhere nothing. */
export const outputsOf = (pid: number): readonly string[] =>
  process.platform === 'linux' ? [fileKeyOf(`/proc/${pid}/fd/1`), fileKeyOf(`/proc/${pid}/fd/2`)] : [];

/** Tells one file from every other, by whatever path; empty for one that is closed, gone, or not ours to look at. */
export function fileKeyOf(path: string): string {
  try {
    const stat = statSync(path, { throwIfNoEntry: false });
    return stat ? `${stat.dev}:${stat.ino}` : '';
  } catch {
    return '';
  }
}

/** Variable that a tree without a control group carries: its processes are known by it, whatever ties they have cut. */
export const treeVariable = 'JOB_TREE_MARK';

/** What is known of a process that is just becoming another program, or ending: neither its environment nor its words are there for a moment. */
const betweenPrograms = Symbol('between two programs');

/** The mark in the environment that a process was started with, or that it cannot be known just now. Linux only; elsewhere none. */
export const markOf = (pid: number): string | typeof betweenPrograms | undefined => readMark(pid) || undefined;

/** The same; empty for one whose environment could be read, and has none. */
export function readMark(pid: number): string | typeof betweenPrograms | undefined {
  if (process.platform !== 'linux') return undefined;
  const before = `\0${treeVariable}=`;
  for (let look = 0; look < looksMax; look++) {
    const environment = textOf(`/proc/${pid}/environ`);
    const at = `\0${environment}`.indexOf(before);
    if (at >= 0) return environment.slice(at + before.length - 1).split('\0', 1)[0];
    if (environment !== '') return '';
    // Threads of the kernel have neither, and no program; nor has one on its last way, which is no longer than a moment, but alive.
    if (textOf(`/proc/${pid}/cmdline`) === '')
      return existsSync(`/proc/${pid}/exe`) || isExiting(pid) ? betweenPrograms : undefined;
    // It was given none, or has become another program between the two looks.
  }
  return undefined;
}

/** So often the environment of a process is looked at that seems to have none. */
const looksMax = 3;

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8'); // Node takes half the time for this than for any other
  } catch {
    return ''; // ended, or not ours to look at
  }
}

/** A tree, and all that its members can be known by. */
export interface TreeTarget {
  /** The shim, which leads session and process group of the tree. */
  readonly leader: ProcessIdentity;
  /** Control group of the tree, once all of it is in there, and nobody else. */
  readonly controlGroup?: string | undefined;
  /** Files that only processes of this tree have as stdout or stderr: they tell a member that left session and parents. */
  readonly logs?: readonly string[];
  /** Value of `treeVariable` in the environment that the tree was started with. */
  readonly mark?: string;
  /**
   * A clock tick at which the leader lived: whoever is older and in a session of its number is of its tree, though it has gone since. Of
   * others its number alone does not say so: a daemon of a stranger who had it later is in such a session, too.
   */
  readonly ledAt?: number;
  /** By `nameOf`: who was a member while the leader lived. */
  readonly known?: ReadonlySet<string>;
}

/** One look at the processes of the machine. */
interface Look {
  /** The clock tick before the processes were listed. */
  readonly tick?: number;
  readonly processes?: readonly ProcessEntry[];
  /** Somebody may be a member and cannot be known for a moment. */
  readonly onUnclear?: () => void;
}

/** Live members of a tree, the leader excluded; none when it belongs to another boot. */
export const membersOf = (target: TreeTarget, look: Look = {}): ProcessEntry[] =>
  membersOfAll([target], look).get(target) ?? [];

/** The same for many trees, with one look at each process of the machine, whatever their number. */
export function membersOfAll(
  targets: readonly TreeTarget[],
  { tick = clockTick(), processes = listProcesses(), onUnclear = () => undefined }: Look = {},
): Map<TreeTarget, ProcessEntry[]> {
  const table = createProcessTable(processes);
  // By 0 the kernel names what is out of sight: the first process and its own threads are its children, no tree of ours.
  const current = targets.filter(({ leader }) => leader.pid > 1 && leader.boot === bootId());
  const found = new Map<TreeTarget, Set<ProcessEntry>>();
  const known = new Set<ProcessEntry>();
  for (const target of current) {
    const members = table
      .membersOf(target.leader, {
        isVouched: (entry) => isOfItsTime(target, entry),
        leadsAnother: (entry) => leadsAnother(target, entry),
      })
      .filter((entry) => isNumbered(target, entry) || !isYoung(entry, tick) || isStillMember(target, entry));
    found.set(target, new Set(members));
    for (const member of members) known.add(member);
  }
  for (const target of current) {
    const inGroup = new Set(target.controlGroup ? controlGroupMembers(target.controlGroup) : []);
    if (inGroup.size === 0) continue;
    for (const entry of table.processes) if (inGroup.has(entry.pid)) found.get(target)?.add(entry);
  }
  const tieOf = createTies(current, onUnclear);
  // No member is older than its leader: that leaves a handful to look at closely.
  const firstStart = Math.min(...current.map(({ leader }) => Number(leader.start)));
  for (const entry of table.processes) {
    if (entry.zombie || known.has(entry) || Number(entry.start) < firstStart) continue;
    const target = tieOf(entry);
    if (target && !isOlder(entry, target.leader)) found.get(target)?.add(entry);
  }
  return new Map([...found].map(([target, members]) => [target, [...members].filter(isMemberOf(target))]));
}

/**
 * The shim of another job, which a member has started and may still wait for: a session of its own, with a mark of its own. What cannot be
 * known of it just now counts as a member.
 */
const leadsAnother = ({ mark }: TreeTarget, { pid, session }: ProcessEntry): boolean => {
  const own = mark === undefined || session !== pid ? undefined : markOf(pid);
  return typeof own === 'string' && own !== mark;
};

/** Its session or group has the number of the leader. */
const isNumbered = ({ leader }: TreeTarget, { session, group }: ProcessEntry): boolean =>
  session === leader.pid || group === leader.pid;

/** In a session of the leader's number, and there while the leader lived. Other systems than Linux do not tell. */
const isOfItsTime = ({ leader, ledAt = 0, known }: TreeTarget, entry: ProcessEntry): boolean =>
  process.platform !== 'linux' ||
  (entry.session === leader.pid && (Number(entry.start) < ledAt || known?.has(nameOf(entry)) === true));

/** A process of this boot by its number and start. */
export const nameOf = ({ pid, start }: Pick<ProcessEntry, 'pid' | 'start'>): string => `${pid} ${start}`;

/**
 * A process that started in the tick of a look, or since: while processes are listed, one after the other, it may have taken the pid of
 * a member that has ended, or be the child of one who did. What is older was there all the time.
 */
export const isYoung = ({ start }: Pick<ProcessEntry, 'start'>, tick: number): boolean => Number(start) >= tick;

/** So many generations lie between a process and one that is known by itself at most. */
const generationsMax = 100;

/**
 * True when exactly this process is a live member as the system says at this moment: by its session or group, control group, outputs or
 * mark, or as a descendant of one that is. For one that `isYoung`; of an ordinary one it reads two small files.
 */
export function isStillMember(target: TreeTarget, { pid, start }: Pick<ProcessEntry, 'pid' | 'start'>): boolean {
  const { leader } = target;
  const entry = readProcess(pid);
  if (!entry || entry.start !== start || !isMemberOf(target)(entry)) return false;
  const line: ProcessEntry[] = [];
  for (let at: ProcessEntry | undefined = entry; at && line.length < generationsMax; at = readProcess(at.parent)) {
    if (isOlder(at, leader) || leadsAnother(target, at)) return false;
    // Its parent has the number of a member, and did before and after that was known to be one: it was the same all the time.
    if (at.pid === leader.pid ? at.start === leader.start : isTied(target, at)) return line.every(isUnchanged);
    line.push(at);
  }
  return false;
}

function isUnchanged({ pid, start, parent }: ProcessEntry): boolean {
  const now = readProcess(pid);
  return now?.start === start && now.parent === parent;
}

/** Known to be of the tree by itself, not by its parents. */
function isTied(target: TreeTarget, entry: ProcessEntry): boolean {
  if (isNumbered(target, entry)) {
    const holder = readProcess(target.leader.pid);
    if (holder ? holder.start === target.leader.start : isOfItsTime(target, entry)) return true;
  }
  return (
    (target.controlGroup !== undefined && isInControlGroup(entry.pid, target.controlGroup)) ||
    createTies([target], () => undefined)(entry) === target
  );
}

const isMemberOf =
  ({ leader }: TreeTarget) =>
  ({ pid, zombie }: ProcessEntry): boolean =>
    pid !== leader.pid && !zombie;

/** Finds the tree of a process that has left session and parents: by its outputs, else by its mark. */
function createTies(
  targets: readonly TreeTarget[],
  onUnclear: () => void,
): (entry: ProcessEntry) => TreeTarget | undefined {
  const byLog = new Map<string, TreeTarget>();
  const byMark = new Map<string, TreeTarget>();
  for (const target of targets) {
    for (const path of target.logs ?? []) byLog.set(fileKeyOf(path), target);
    if (target.mark !== undefined) byMark.set(target.mark, target);
  }
  byLog.delete(''); // a log that is gone is nobody's
  return ({ pid }) => {
    const output = byLog.size === 0 ? undefined : outputsOf(pid).find((output) => byLog.has(output));
    if (output !== undefined) return byLog.get(output);
    const mark = byMark.size === 0 ? undefined : markOf(pid);
    if (mark === betweenPrograms) onUnclear();
    return typeof mark === 'string' ? byMark.get(mark) : undefined;
  };
}

/** Start times are clock ticks on Linux; elsewhere nobody is known to be older. */
const isOlder = (entry: ProcessEntry, leader: ProcessIdentity): boolean => Number(entry.start) < Number(leader.start);
