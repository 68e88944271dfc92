import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { eventually } from './eventually.ts';
import { tempDir } from './temp-dir.ts';

/** What the test server may reserve for streams, in bytes: a figure, not space on disk, and above what the topology asks for. */
const storeBytesMaxDefault = 16 * 1024 ** 3;

export interface NatsServerOptions {
  /** The nats-server program. */
  readonly path: string;
  /** Where JetStream stores; default: a directory that goes when the server is disposed of. */
  readonly storeDir?: string;
  /** Default: a free port. A restart always keeps the port. */
  readonly port?: number;
  /** False starts a broker without JetStream. Default true. */
  readonly jetstream?: boolean;
  /** How many bytes streams may reserve. Default 16 GiB. */
  readonly storeBytesMax?: number;
  /** Clients must present this token. Default: everybody may connect. */
  readonly token?: string;
  /** Further lines of its configuration. */
  readonly lines?: readonly string[];
}

export interface RunningNatsServer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** As the program reports it, for example `2.15.2`. */
  readonly version: string;
  /** Of the process that runs now. */
  readonly pid: number | undefined;
  /** Ends the server; SIGKILL is the crash. Its store stays until it is disposed of. Default SIGTERM. */
  stop(signal?: 'SIGTERM' | 'SIGKILL'): Promise<void>;
  /** Ends it if it runs, and starts it again on the same port and store. */
  restart(signal?: 'SIGTERM' | 'SIGKILL'): Promise<void>;
  /** Gives it other lines of configuration, which it takes up while it runs. */
  reload(lines: readonly string[]): Promise<void>;
  /** Freezes the server where it stands, and lets it go on. */
  freeze(): void;
  thaw(): void;
}

/** Starts a real nats-server with JetStream on loopback and resolves when clients can connect. Throws with its log when it ends instead. */
export async function startNatsServer(options: NatsServerOptions): Promise<RunningNatsServer> {
  const home = await tempDir();
  const log = join(home.path, 'server.log');
  let port = options.port ?? -1;
  let child: ChildProcess | undefined;

  async function start(): Promise<void> {
    const portsDir = join(home.path, 'ports');
    await mkdir(portsDir, { recursive: true });
    const config = await writeConfig({ ...options, port, home: home.path });
    await using logFile = await open(log, 'a');
    const started = spawn(options.path, ['-c', config], { stdio: ['ignore', logFile.fd, logFile.fd] });
    child = started;
    await Promise.race([once(started, 'spawn'), once(started, 'error').then(([error]) => Promise.reject(error))]);
    const portsFile = join(portsDir, `nats-server_${started.pid}.ports`);
    const ready = await eventually(`nats-server on its port (${options.path})`, async () =>
      hasEnded(started) ? 'ended' : listening(portsFile),
    );
    if (ready === 'ended') throw new Error(`nats-server ended at its start: ${await readFile(log, 'utf8')}`);
    port = ready;
  }

  async function stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    if (!child || hasEnded(child)) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
  }

  try {
    await start();
  } catch (error) {
    await stop('SIGKILL');
    await home[Symbol.asyncDispose]();
    throw error;
  }
  return {
    url: `nats://127.0.0.1:${port}`,
    port,
    version: /Version:\s+v?(\S+)/.exec(await readFile(log, 'utf8'))?.[1] ?? 'unknown',
    get pid() {
      return child?.pid;
    },
    stop,
    restart: async (signal) => {
      await stop(signal);
      await start();
    },
    reload: async (lines) => {
      await writeConfig({ ...options, lines, port, home: home.path });
      child?.kill('SIGHUP');
    },
    freeze: () => void child?.kill('SIGSTOP'),
    thaw: () => void child?.kill('SIGCONT'),
    [Symbol.asyncDispose]: async () => {
      await stop('SIGKILL');
      await home[Symbol.asyncDispose]();
    },
  };
}

/** A server that the tests must run on. */
export interface NatsServerProgram {
  readonly path: string;
  readonly version: string;
}

/**
 * The servers that the tests must run on: those in `KANADE_NATS_SERVERS` (a JSON list of `{path, version}`), otherwise a
 * current one and Debian's, found or made. Throws when one cannot be had: such tests fail, they are never skipped.
 */
export async function natsServers(): Promise<readonly NatsServerProgram[]> {
  const named = process.env.KANADE_NATS_SERVERS;
  if (named !== undefined && named !== '') return parseServers(named);
  const tool: unknown = await import(
    /* @vite-ignore */ new URL('../../../tools/nats-server.mjs', import.meta.url).href
  );
  const { current, debian } = await (tool as ServerTool).ensureBoth();
  return [current, debian].map((server) => {
    if ('problem' in server) throw new Error(`the tests need a nats-server: ${server.problem}`);
    return { path: server.path, version: server.version };
  });
}

/** The newest of {@link natsServers}, for what needs no second one. */
export async function newestNatsServer(): Promise<NatsServerProgram> {
  const [newest] = (await natsServers()).toSorted((a, b) =>
    b.version.localeCompare(a.version, undefined, { numeric: true }),
  );
  if (!newest) throw new Error('the tests need a nats-server: KANADE_NATS_SERVERS names none');
  return newest;
}

interface ServerTool {
  ensureBoth(): Promise<Record<'current' | 'debian', NatsServerProgram | { readonly problem: string }>>;
}

function parseServers(text: string): readonly NatsServerProgram[] {
  const servers: unknown = JSON.parse(text);
  const valid =
    Array.isArray(servers) &&
    servers.length > 0 &&
    servers.every((server) => typeof server?.path === 'string' && typeof server?.version === 'string');
  if (!valid) throw new Error(`KANADE_NATS_SERVERS must be a JSON list of {path, version}: ${text}`);
  return servers as NatsServerProgram[];
}

type Placed = NatsServerOptions & { readonly port: number; readonly home: string };

async function writeConfig(options: Placed): Promise<string> {
  const path = join(options.home, 'server.conf');
  await writeFile(path, configText(options), { mode: 0o600 });
  return path;
}

function configText(options: Placed): string {
  const quoted = (text: string): string => JSON.stringify(text);
  const store = options.storeDir ?? join(options.home, 'store');
  return [
    'host: "127.0.0.1"',
    `port: ${options.port}`,
    `ports_file_dir: ${quoted(join(options.home, 'ports'))}`,
    ...(options.jetstream === false
      ? []
      : [
          `jetstream { store_dir: ${quoted(store)}, max_file_store: ${options.storeBytesMax ?? storeBytesMaxDefault}, max_memory_store: 67108864 }`,
        ]),
    ...(options.token === undefined ? [] : [`authorization { token: ${quoted(options.token)} }`]),
    ...(options.lines ?? []),
    '',
  ].join('\n');
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

async function listening(portsFile: string): Promise<number | undefined> {
  const ports: { nats?: string[] } = JSON.parse(await readFile(portsFile, 'utf8'));
  const url = ports.nats?.[0];
  return url === undefined ? undefined : Number(new URL(url).port);
}
