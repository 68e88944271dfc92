/**
 * What ships: one program that is the command line, the agent and the Client App. The name it was called by decides, else
 * the first word. The agent and the Client App are loaded only when they are meant.
 */
import { main as commandLine, processIo, versionLine } from '@kanade/cli';

async function dispatch(): Promise<number> {
  const name = calledName();
  const words = process.argv.slice(2);
  const io = processIo();
  const [first, ...rest] = words;
  if (name === 'kanade-agent') return (await import('@kanade/agent')).main(words, io);
  if (name === 'kanade-client') return (await import('@kanade/client-app')).main(words, io);
  if (first === 'agent') return (await import('@kanade/agent')).main(rest, io);
  if (first === 'client') return (await import('@kanade/client-app')).main(rest, io);
  return commandLine(words, io, { name: name === 'agent-exec' ? name : 'kanade', version: versionLine });
}

/** The executable is its own runtime and knows its name from `argv0`; a script's name is its path. */
function calledName(): string {
  const script = process.argv[1] ?? '';
  const path = script.includes('$bunfs') || script.includes('~BUN') ? process.argv0 : script;
  return (path.split(/[\\/]/).at(-1) ?? '').replace(/\.(exe|cjs)$/, '');
}

dispatch().then(
  (code) => process.exit(code),
  (error: unknown) => {
    processIo().stderr(`kanade: internal error: ${error instanceof Error ? error.stack : String(error)}\n`);
    process.exit(70);
  },
);
