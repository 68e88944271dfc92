/** What `doctor` looks at; loaded on demand. */
import { accessSync, constants, existsSync, statfsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { type Jobs, limits, type RootHealth } from '@kanade/runner';

export interface Finding {
  readonly name: string;
  readonly ok: boolean;
  /** What was found. */
  readonly detail: string;
  /** What to do about it. */
  readonly fix?: string;
}

/** Oldest runtimes that we are tested on. */
const nodeMajorMin = 24;
const bunMin = [1, 4] as const;

/** Below this many bytes a chatty job fills the disk within minutes. */
const freeBytesMin = 1024 ** 3;

/** The share of a limit that counts as nearly full. */
const nearlyFull = 0.9;

/** Most ids that a finding names. */
const namedMax = 5;

/** All findings of a jobs root, good ones too. Changes nothing but the endings of jobs that it happens to notice. */
export function examine(jobs: Jobs): Finding[] {
  const { root } = jobs;
  const health = jobs.health();
  return [
    runtime(),
    jobsRoot(root),
    permissions(root),
    disk(root),
    usage(jobs),
    controlGroups(health),
    hosts(health),
    staleJobs(jobs),
  ];
}

function runtime(): Finding {
  const { bun, node } = process.versions;
  const [major = 0, minor = 0] = (bun ?? node).split('.').map(Number);
  const ok = bun ? major > bunMin[0] || (major === bunMin[0] && minor >= bunMin[1]) : major >= nodeMajorMin;
  const detail = `${bun ? `bun ${bun}` : `node ${node}`} on ${process.platform}-${process.arch}`;
  return {
    name: 'runtime',
    ok,
    detail,
    ...(ok ? {} : { fix: `use Node ${nodeMajorMin} or newer, or the executable` }),
  };
}

function jobsRoot(root: string): Finding {
  const stat = statSync(root, { throwIfNoEntry: false });
  if (!stat) return { name: 'root', ok: true, detail: `${root} does not exist yet: the first job makes it` };
  if (stat.isDirectory()) return { name: 'root', ok: true, detail: root };
  return { name: 'root', ok: false, detail: `${root} is not a directory`, fix: 'move it away, or give another --root' };
}

function permissions(root: string): Finding {
  const name = 'permissions';
  const place = existing(root);
  try {
    accessSync(place, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch {
    return {
      name,
      ok: false,
      detail: `${place} cannot be written by us`,
      fix: `chown or chmod ${place}, or give another --root`,
    };
  }
  const { mode, uid } = statSync(place);
  if (place !== root || process.platform === 'win32') return { name, ok: true, detail: `${place} can be written` };
  if (uid !== process.getuid?.())
    return {
      name,
      ok: false,
      detail: `${place} belongs to user ${uid}`,
      fix: 'use a root of your own: --root or AGENT_EXEC_ROOT',
    };
  if ((mode & 0o022) !== 0)
    return {
      name,
      ok: false,
      detail: `others can write ${place}: they can put jobs into it`,
      fix: `chmod go-w ${place}`,
    };
  return { name, ok: true, detail: `${place} is ours, mode ${(mode & 0o777).toString(8)}` };
}

function disk(root: string): Finding {
  const { bavail, bsize } = statfsSync(existing(root));
  const free = bavail * bsize;
  const ok = free >= freeBytesMin;
  const detail = `${(free / 1024 ** 3).toFixed(1)} GiB free at ${existing(root)}`;
  return { name: 'disk', ok, detail, ...(ok ? {} : { fix: 'kanade gc --older-than 1d, or a root on another disk' }) };
}

/** What the root holds, and whether it nears the number of jobs beyond which none is made. */
function usage(opened: Jobs): Finding {
  const { jobs, bytes, inodes } = isDirectory(opened.root) ? opened.usage() : { jobs: 0, bytes: 0, inodes: 0 };
  const ok = jobs < limits.jobs * nearlyFull;
  return {
    name: 'usage',
    ok,
    detail: `${jobs} jobs of at most ${limits.jobs}, ${(bytes / 1024 ** 2).toFixed(1)} MiB in ${inodes} files and directories`,
    ...(ok ? {} : { fix: 'kanade gc --older-than 1d, or raise jobs in [limits] of the configuration file' }),
  };
}

/** Without a group of its own a job's tree is taken by process group and session: good, but not inescapable. */
function controlGroups({ hasControlGroups }: RootHealth): Finding {
  const name = 'control_groups';
  if (process.platform !== 'linux') return { name, ok: true, detail: 'only Linux has them' };
  if (hasControlGroups)
    return { name, ok: true, detail: 'each job gets a control group: nothing that it starts escapes kill' };
  return {
    name,
    ok: true,
    detail: 'not delegated to us: jobs are taken by process group and session',
    fix: 'if daemons of jobs escape kill: call from a unit with Delegate=yes',
  };
}

/** One host per root, and none for a root that is gone. */
function hosts({ keeper, leftOverKeepers }: RootHealth): Finding {
  const name = 'hosts';
  if (process.platform !== 'linux') return { name, ok: true, detail: 'looked for on Linux only' };
  const watching = keeper === undefined ? 'none is needed now' : `process ${keeper} watches over the running jobs`;
  if (leftOverKeepers.length === 0) return { name, ok: true, detail: watching };
  const pids = leftOverKeepers.join(' ');
  return {
    name,
    ok: false,
    detail: `${watching}; left over: ${pids}`,
    fix: `if they are still there in a minute: kill ${pids}`,
  };
}

function staleJobs(opened: Jobs): Finding {
  const name = 'stale_jobs';
  const { jobs, skipped } = isDirectory(opened.root) ? opened.list() : { jobs: [], skipped: 0 };
  const unknown = jobs.filter(({ view }) => view.status === 'unknown').map(({ view }) => view.job.id);
  if (unknown.length === 0 && skipped === 0)
    return { name, ok: true, detail: `${jobs.length} jobs, all accounted for` };
  const named = unknown.slice(0, namedMax).join(' ');
  return {
    name,
    ok: false,
    detail: `${unknown.length} jobs of which nobody knows how they stand, ${skipped} directories without a readable definition`,
    fix:
      unknown.length > 0
        ? `kanade delete each of: ${named}`
        : `look at the directories in ${opened.root} that kanade list --all does not show`,
  };
}

const isDirectory = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;

/** The nearest directory upwards that exists. */
function existing(path: string): string {
  return existsSync(path) || dirname(path) === path ? path : existing(dirname(path));
}
