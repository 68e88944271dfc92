/** Packages of two versions, and machines with a real systemd on which they are installed, beside a broker of their own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { eventually, newestNatsServer, openMachine, type TestMachine, tempDir } from '@kanade/testkit';
import { type Json, program } from '../program.ts';
import { makePackages } from './make-packages.ts';

export type Kind = 'deb' | 'rpm' | 'tarball';

/** How an administrator does it, per kind; `file` is the package on the machine. */
export const ways = {
  deb: {
    install: (file: string) => ['dpkg', '--install', file],
    installed: ['sh', '-c', "dpkg --status kanade | sed -n 's/^Version: //p'"],
    remove: ['dpkg', '--remove', 'kanade'],
    purge: ['dpkg', '--purge', 'kanade'],
  },
  rpm: {
    // The data base of rpm is empty here, so nothing of what the package needs is known to it.
    install: (file: string) => ['rpm', '--upgrade', '--nodeps', '--replacepkgs', file],
    installed: ['rpm', '--query', '--queryformat', '%{VERSION}', 'kanade'],
    remove: ['rpm', '--erase', 'kanade'],
    purge: ['rm', '-rf', '/etc/kanade', '/var/lib/kanade', '/var/log/kanade'],
  },
  tarball: {
    install: (file: string) => [
      'sh',
      '-ec',
      '[ -d "$1" ] || tar -xzf "$0" -C /srv; "$1/install.sh"',
      file,
      file.slice(0, -'.tar.gz'.length),
    ],
    installed: ['sh', '-c', 'ls -d /srv/kanade-*-linux-x86_64 | sort | tail -n 1 | cut -d- -f2'],
    remove: ['/opt/kanade/share/uninstall.sh'],
    purge: ['rm', '-rf', '/etc/kanade', '/var/lib/kanade', '/var/log/kanade'],
  },
} as const satisfies Record<Kind, unknown>;

/** Makes them from the program under test; two versions of one program, which is what an upgrade replaces. */
export async function makeVersions(kinds: readonly Kind[], versions: readonly string[]) {
  const dir = await tempDir();
  const files = new Map<string, string>();
  for (const version of versions) {
    const given = { executable: program[0] ?? '', platform: 'linux-x64', out: dir.path };
    for (const { kind, file } of await makePackages({ ...given, version, more: ['--quick', '--kinds', kinds.join()] }))
      files.set(`${kind} ${version}`, file);
  }
  return {
    file: (kind: Kind, version: string): string => files.get(`${kind} ${version}`) ?? '',
    [Symbol.asyncDispose]: () => dir[Symbol.asyncDispose](),
  };
}

export type Versions = Awaited<ReturnType<typeof makeVersions>>;

export interface PackageSite extends AsyncDisposable {
  readonly machine: TestMachine;
  /** Brings the package of that version to the machine; resolves with its path there. */
  prepare(version: string): Promise<string>;
  /** Installs that version, or upgrades to it; resolves with what was said. */
  install(version: string): Promise<string>;
  /** The same as a script. */
  installScript(version: string): string;
  /** The version that the packaging of the system says is there. */
  installed(): Promise<string>;
  readonly removeScript: string;
  remove(): Promise<string>;
  purge(): Promise<string>;
  /** A call of `kanade fleet …` with its answer, by a program that is not the installed one. */
  fleet(...args: string[]): Promise<Json>;
  /** Resolves with the time of the next heartbeat that the broker gets, as `performance.now()` tells it. */
  nextHeartbeat(): Promise<{ readonly heard: Promise<number> }>;
  isOnline(): Promise<void>;
  /** Orders a script and resolves with what came of it. */
  order(script: string): Promise<Ran>;
  /** Orders a script that goes on until it is let go, and resolves once it runs. */
  orderGated(name: string, last?: string): Promise<Gated>;
  mainPid(): Promise<string>;
}

export interface Ran {
  readonly exit_code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Gated {
  readonly letGo: () => void;
  readonly ended: Promise<Ran>;
}

/** Where kanade is, if this machine has it. */
const ours = ['/etc/kanade', '/opt/kanade', '/var/lib/kanade', '/var/log/kanade', '/usr/bin/kanade'];

const url = 'nats://127.0.0.1:4222';

/** Listens as every client of a broker may; says so, and ends with the first message. */
const listen = `exec 3<>/dev/tcp/127.0.0.1/4222
printf 'CONNECT {"verbose":false}\\r\\nSUB heartbeat.> 1\\r\\nPING\\r\\n' >&3
while read -r word rest <&3; do
  case $word in PING*) printf 'PONG\\r\\n' >&3;; PONG*) echo listening;; MSG) exit 0;; esac
done
exit 1`;

/** A machine with a broker that it knows of, on which nothing of kanade is installed. */
export async function openPackageSite(
  kind: Kind,
  versions: Pick<Versions, 'file'>,
  { writes }: { readonly writes?: 'memory' | 'disk' } = {},
): Promise<PackageSite> {
  await using opened = new AsyncDisposableStack();
  const machine = opened.use(await openMachine({ name: 'pc-7', without: ours, ...(writes ? { writes } : {}) }));
  const put = (source: string): string => {
    const path = `/srv/${basename(source)}`;
    if (!existsSync(machine.path(path))) cpSync(source, machine.path(path));
    return path;
  };
  const operator = ['env', `KANADE_NATS_URL=${url}`, put(program[0] ?? ''), 'fleet'];
  const fleet = async (...args: string[]): Promise<Json> =>
    JSON.parse((await machine.run(...operator, ...args)).stdout) as Json;
  machine.start(put((await newestNatsServer()).path), '-a', '127.0.0.1', '-p', '4222', '-js', '-sd', '/srv/store');
  await eventually('the broker is set up', async () => (await fleet('setup')).ok);
  mkdirSync(machine.path('/etc/kanade'));
  writeFileSync(machine.path('/etc/kanade/agent.yaml'), `servers: [${url}]\n`);
  const order = async (script: string): Promise<Ran> => {
    const words = [...machine.within, ...operator, 'run', 'pc-7', '--', script];
    const child = spawn(words[0] ?? '', words.slice(1), { stdio: ['ignore', 'pipe', 'ignore'] });
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
    await once(child, 'close');
    const [ran] = (JSON.parse(text) as { results: Ran[] }).results;
    if (!ran) throw new Error(`no result: ${text}`);
    return ran;
  };
  const way = ways[kind];
  const moved = opened.move();
  return {
    machine,
    fleet,
    order,
    prepare: async (version) => put(versions.file(kind, version)),
    install: (version) => machine.ok(...way.install(put(versions.file(kind, version)))),
    installScript: (version) =>
      way
        .install(put(versions.file(kind, version)))
        .map((word) => `'${word}'`)
        .join(' '),
    installed: () => machine.ok(...way.installed),
    removeScript: way.remove.join(' '),
    remove: () => machine.ok(...way.remove),
    purge: () => machine.ok(...way.purge),
    async nextHeartbeat() {
      const child = spawn(machine.within[0] ?? '', [...machine.within.slice(1), 'bash', '-c', listen]);
      const heard = once(child, 'close').then(([status]) => {
        if (status !== 0) throw new Error(`nobody to listen at: exit ${status}`);
        return performance.now();
      });
      await once(child.stdout, 'data');
      return { heard };
    },
    async isOnline() {
      await eventually('pc-7 answers', async () => (await fleet('ping', 'pc-7')).ok === true);
    },
    async orderGated(name, last = 'echo done') {
      const [begun, go] = [`/tmp/begun-${name}`, `/tmp/go-${name}`];
      const ended = order(`: > ${begun}; until [ -e ${go} ]; do sleep 0.05; done; ${last}`);
      await eventually(`${name} runs`, () => existsSync(machine.path(begun)));
      return { ended, letGo: () => writeFileSync(machine.path(go), '') };
    },
    mainPid: () => machine.ok('systemctl', 'show', '--property', 'MainPID', '--value', 'kanade-agent'),
    [Symbol.asyncDispose]: () => moved.disposeAsync(),
  };
}
