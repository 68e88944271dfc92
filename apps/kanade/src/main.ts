/**
 * What ships: one program that is the command line, the agent and the Client App. The name it was called by decides, else
 * the first word. The agent and the Client App are loaded only when they are meant.
 */
import { main as commandLine, processIo, versionLine } from '@kanade/cli';

/** A number when the answer was there at once. */
function dispatch(): number | Promise<number> {
  const name = calledName();
  const words = process.argv.slice(2);
  const io = processIo();
  const [first, ...rest] = words;
  if (name === 'kanade-agent') return stay(import('@kanade/agent'), words, io);
  if (name === 'kanade-client') return stay(import('@kanade/client-app'), words, io);
  if (first === 'agent') return stay(import('@kanade/agent'), rest, io);
  if (first === 'client') return stay(import('@kanade/client-app'), rest, io);
  if (first === 'serve' || first === 'mcp') keepGivingBack();
  const agentDataDir = (file: string) => import('@kanade/agent').then((agent) => agent.configuredDataDir(file, io));
  return commandLine(words, io, { name: name === 'agent-exec' ? name : 'kanade', version: versionLine, agentDataDir });
}

type Io = ReturnType<typeof processIo>;

interface Stayer {
  main(args: readonly string[], io: Io): Promise<number>;
}

/** When a program that stays gives back what its start needed (ADR 9), in ms after it began; then at every so many ms what a busy time touched. */
const givingBackMs = { first: 15_000, every: 60_000 } as const;

/** Processor time between two looks that makes a time a busy one, in ms: who is at rest is left alone. */
const busyMs = 300;

/** Runs a program that stays until it is ended. */
async function stay(loading: Promise<Stayer>, words: readonly string[], io: Io): Promise<number> {
  keepGivingBack();
  return (await loading).main(words, io);
}

function keepGivingBack(): void {
  const give = async (): Promise<void> => (await import('./start-pages.ts')).giveBackStartPages();
  setTimeout(give, givingBackMs.first).unref();
  let seenMs = Number.NEGATIVE_INFINITY; // the start was a busy time
  const giveIfBusy = (): void => {
    const { user, system } = process.cpuUsage();
    const nowMs = (user + system) / 1000;
    if (nowMs - seenMs > busyMs) void give();
    seenMs = nowMs;
  };
  setInterval(giveIfBusy, givingBackMs.every).unref();
}

/** The executable is its own runtime and knows its name from `argv0`; a script's name is its path. Without expressions: each costs 50 µs here. */
function calledName(): string {
  const script = process.argv[1] ?? '';
  const path = script.includes('$bunfs') || script.includes('~BUN') ? process.argv0 : script;
  const name = path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1);
  return name.endsWith('.exe') || name.endsWith('.cjs') ? name.slice(0, -4) : name;
}

function failed(error: unknown): never {
  processIo().stderr(`kanade: internal error: ${error instanceof Error ? error.stack : String(error)}\n`);
  process.exit(70);
}

try {
  const code = dispatch();
  if (typeof code === 'number') process.exit(code); // before the event loop begins: it costs two milliseconds
  code.then((waited) => process.exit(waited), failed);
} catch (error) {
  failed(error);
}
