/** One machine that several people use: an agent with an account list of its own, which no other process sees, and people of these accounts. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { eventually } from '@kanade/testkit';
import { program } from '../program.ts';
import { needRoot, openSite, type Site } from './site.ts';

/** What came from the agent. */
export interface Heard {
  readonly id?: string;
  readonly method?: string;
  readonly params?: Record<string, unknown>;
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly code: number; readonly message: string; readonly data?: { readonly kind?: string } };
}

/** Somebody at the machine, on one connection. */
export interface Inhabitant extends AsyncDisposable {
  readonly heard: readonly Heard[];
  ask(method: string, params?: unknown): Promise<Heard>;
}

export interface HouseOptions {
  /** Further options of the agent. */
  readonly args?: readonly string[];
  /** What its log says already. */
  readonly log?: string;
  /** Offers jobs before the agent starts: whoever asks finds them. */
  readonly prepare?: (site: Site) => void;
}

/** @param accounts name → uid */
export async function openHouse(
  accounts: Readonly<Record<string, number>>,
  { args = [], log, prepare }: HouseOptions = {},
) {
  needRoot();
  const site = await openSite();
  const passwd = `${site.path}/passwd`;
  const own = readFileSync('/etc/passwd', 'utf8');
  /** From the next connection on. */
  const setAccounts = (now: Readonly<Record<string, number>>): void => {
    const rows = Object.entries(now).map(([name, uid]) => `${name}:x:${uid}:${uid}::/:/bin/sh`);
    writeFileSync(passwd, `${own}${rows.join('\n')}\n`);
  };
  setAccounts(accounts);
  chmodSync(site.path, 0o755);
  mkdirSync(site.data, { mode: 0o700 });
  prepare?.(site);
  if (log !== undefined) writeFileSync(`${site.data}/agent.log`, log, { mode: 0o600 });
  const inside = ['unshare', '--mount', '--propagation', 'private', 'sh', '-c'];
  const words = [...inside, 'mount --bind "$0" /etc/passwd && exec "$@"', passwd, ...program];
  const places = ['--data-dir', site.data, '--socket', site.socket, '--jobs', site.manifests];
  const agent = site.start(['agent', '--id', 'pc-1', ...places, ...args], { words });
  await eventually('the agent is ready', () => {
    if (agent.child.exitCode !== null) throw new Error(`the agent ended: ${agent.text.stderr}`);
    return agent.text.stdout.includes('agent.ready');
  });
  const people = new Set<Inhabitant>();

  async function enter(uid: number): Promise<Inhabitant> {
    const child = spawn(process.execPath, [`${import.meta.dirname}/talker.cjs`, site.socket], {
      uid,
      gid: uid,
      cwd: '/',
      env: { PATH: process.env.PATH },
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    const person = inhabitant(child);
    people.add(person);
    await person.ask('system.handshake', { client: 'test', client_version: '0', protocol: [1] });
    return person;
  }

  return {
    site,
    agent,
    setAccounts,
    enter,
    async [Symbol.asyncDispose]() {
      await Promise.all([...people].map((person) => person[Symbol.asyncDispose]()));
      await site[Symbol.asyncDispose]();
    },
  };
}

function inhabitant(child: ChildProcess): Inhabitant {
  const heard: Heard[] = [];
  const waiting = new Map<string, (answer: Heard) => void>();
  const gone = once(child, 'exit').then(() => {
    const error = { code: 0, message: 'the connection is closed' };
    for (const tell of waiting.values()) tell({ error });
  });
  child.stdin?.on('error', () => undefined); // it has left
  if (child.stdout) {
    createInterface(child.stdout).on('line', (line) => {
      const message = JSON.parse(line) as Heard;
      heard.push(message);
      waiting.get(message.id ?? '')?.(message);
    });
  }
  let sent = 0;
  return {
    heard,
    async ask(method, params = {}) {
      const id = String(++sent);
      const { promise, resolve } = Promise.withResolvers<Heard>();
      waiting.set(id, resolve);
      child.stdin?.write(`${JSON.stringify({ jsonrpc: '2.0', id, method, params })}\n`);
      const answer = await promise;
      waiting.delete(id);
      return answer;
    },
    async [Symbol.asyncDispose]() {
      child.stdin?.end();
      child.kill();
      await gone;
    },
  };
}
