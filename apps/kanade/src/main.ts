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
  if (name === 'kanade-agent') return import('@kanade/agent').then((agent) => agent.main(words, io));
  if (name === 'kanade-client') return import('@kanade/client-app').then((client) => client.main(words, io));
  if (first === 'agent') return import('@kanade/agent').then((agent) => agent.main(rest, io));
  if (first === 'client') return import('@kanade/client-app').then((client) => client.main(rest, io));
  return commandLine(words, io, { name: name === 'agent-exec' ? name : 'kanade', version: versionLine });
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
