import { cpSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { eventually, tempDir } from '@kanade/testkit';
import { program, start } from './program.ts';

export const exampleJobs = fileURLToPath(new URL('../../../examples/jobs', import.meta.url));

interface AgentOptions {
  /** Default: pc-1. */
  readonly id?: string;
  /** Further options, such as a broker. */
  readonly args?: readonly string[];
  /** Default: the examples. */
  readonly jobs?: string;
  /** Where it keeps its state; default: a place of its own. */
  readonly dataDir?: string;
  /** Where it listens; default: a place of its own. */
  readonly socket?: string;
  /** It serves the people of the machine that these words lead to, in the place of us. */
  readonly within?: readonly string[];
}

/** An agent with a socket of its own. */
export async function startAgent({ id = 'pc-1', args = [], jobs, dataDir, within, ...at }: AgentOptions = {}) {
  const dir = await tempDir();
  // A copy of one's own, wherever the checkout lies: job files that others could write are not taken.
  if (!jobs) cpSync(exampleJobs, `${dir.path}/jobs`, { recursive: true });
  const socket = at.socket ?? `${dir.path}/s`;
  const own = [
    '--id',
    id,
    '--data-dir',
    dataDir ?? `${dir.path}/data`,
    '--socket',
    socket,
    '--jobs',
    jobs ?? `${dir.path}/jobs`,
    ...(within ? [] : ['--allow-own-user']),
    '--log-level',
    'warn',
  ];
  const agent = start(['agent', ...own, ...args], within ? { words: [...within, ...program] } : {});
  await eventually('the agent is ready', () => agent.text.stdout.includes('agent.ready') || failIfEnded(agent));
  return {
    socket,
    pid: agent.child.pid,
    text: agent.text,
    /** Ends it as a power cut does. What it kept in a directory of its own goes with it. */
    async kill() {
      agent.child.kill('SIGKILL');
      await agent.ended;
      await dir[Symbol.asyncDispose]();
    },
    async [Symbol.asyncDispose]() {
      agent.child.kill('SIGTERM');
      const { status, stderr } = await agent.ended;
      await dir[Symbol.asyncDispose]();
      if (status !== 0) throw new Error(`the agent ended with ${status}: ${stderr}`);
    },
  };
}

/** The Client App of a socket; `address` is what it prints for the browser. */
export async function startClient(socket: string) {
  const client = start(['client', '--socket', socket], { env: { XDG_RUNTIME_DIR: dirname(socket) } });
  const address = await eventually(
    'the Client App prints its address',
    () => /http:\S+/.exec(client.text.stdout)?.[0] ?? failIfEnded(client),
  );
  return {
    address,
    pid: client.child.pid,
    async [Symbol.asyncDispose]() {
      client.child.kill('SIGTERM');
      const { status, stderr } = await client.ended;
      if (status !== 0) throw new Error(`the Client App ended with ${status}: ${stderr}`);
    },
  };
}

function failIfEnded({ child, text }: ReturnType<typeof start>): false {
  if (child.exitCode !== null) throw new Error(`ended too early: ${text.stdout}${text.stderr}`);
  return false;
}
