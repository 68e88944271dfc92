/** File systems with faults of their own, in a mount namespace that goes with the test, however that ends. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { eventually, tempDir } from '@kanade/testkit';
import { needRoot } from './site.ts';

/** A file of the kernel with a size, 4096, that answers EIO to every read and write: a delay that is not in use. */
const failingFile = '/sys/devices/system/cpu/cpu0/power/autosuspend_delay_ms';

export interface SmallDisk {
  /** Options of a file system in memory, such as `size=4m`. */
  readonly options: string;
}

/** A small file system on a directory that is empty for everybody else. */
export async function openSmallDisk({ options }: SmallDisk) {
  needRoot();
  const dir = await tempDir();
  // It holds the namespace until its input ends: at the latest when this process does.
  const holder: ChildProcess = spawn(
    'unshare',
    [
      '--mount',
      '--propagation',
      'private',
      'sh',
      '-ec',
      'mount -t tmpfs -o "$1" none "$2"; echo ready; exec cat',
      'sh',
      options,
      dir.path,
    ],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  let said = '';
  holder.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    said += chunk;
  });
  const ended = once(holder, 'exit');
  await eventually('the file system is there', () => {
    if (holder.exitCode !== null) throw new Error(`no namespace, or no file system in it: exit ${holder.exitCode}`);
    return said.includes('ready');
  });
  const before = ['nsenter', `--mount=/proc/${holder.pid}/ns/mnt`, '--'];

  /** Runs a script in the namespace, in the directory; throws what it says when it fails. */
  function inside(script: string, ...args: string[]): void {
    const [file = '', ...words] = [...before, 'sh', '-c', `cd "$0" && ${script}`, dir.path, ...args];
    const { status, stderr } = spawnSync(file, words, { encoding: 'utf8' });
    if (status !== 0) throw new Error(`${script}: exit ${status}: ${stderr}`);
  }

  return {
    path: dir.path,
    /** Words that bring a program into the namespace. */
    before,
    /** The same path as this process sees it. */
    seen: (path: string) => `/proc/${holder.pid}/root${path}`,
    inside,
    /** Takes all room for bytes, or all room for files. */
    fill(what: 'bytes' | 'inodes') {
      if (what === 'bytes') inside('cat /dev/zero > ballast 2>/dev/null; test -s ballast');
      else inside('mkdir -p many; n=0; while true 2>/dev/null > many/$n; do n=$((n+1)); done; true');
    },
    free: () => inside('rm -rf ballast many'),
    remount: (mode: 'ro' | 'rw') => inside(`mount -o remount,${mode} "$0"`),
    /** Every read and write of this file is an input/output error from now on, for whoever opens it. */
    damage: (path: string) => inside(`mount --bind ${failingFile} "$1"`, path),
    repair: (path: string) => inside('umount "$1"', path),
    async [Symbol.asyncDispose]() {
      holder.kill('SIGKILL');
      await ended;
      await dir[Symbol.asyncDispose]();
    },
  };
}
