import { SocketError } from '../endpoint/address.ts';
import { dialLocal } from '../endpoint/dial.ts';
import { formatTrace } from '../trace/format.ts';
import { KlpError } from '../wire/error.ts';
import type { ResponseOutcome } from '../wire/message.ts';
import { parseTap, type TapOptions, tapUsage } from './options.ts';
import { openTapSession, type TapNote, type TapSession } from './session.ts';

/** What a program gets from whoever starts it. */
export interface TapIo {
  stdout(text: string): void;
  stderr(text: string): void;
  /** Ends the following of pushes. */
  readonly signal: AbortSignal;
}

/** Runs klp-tap. Resolves with the exit code: 0 answered, 1 answered with an error, 2 wrong arguments, 3 not connected, refused or no answer. */
export async function runTap(args: readonly string[], io: TapIo): Promise<number> {
  const parsed = parseTap(args);
  if (parsed.kind === 'help') {
    io.stdout(tapUsage);
    return 0;
  }
  if (parsed.kind === 'usage') {
    io.stderr(`klp-tap: ${parsed.message}\n\n${tapUsage}`);
    return 2;
  }
  try {
    return await run(parsed.options, io);
  } catch (error) {
    if (!(error instanceof KlpError || error instanceof SocketError)) throw error;
    io.stderr(`klp-tap: ${error.message}\n`);
    return 3;
  }
}

async function run(options: TapOptions, io: TapIo): Promise<number> {
  const print = (line: object): void => io.stdout(`${JSON.stringify(line)}\n`);
  const enough = Promise.withResolvers<void>();
  const duplex = await dialLocal({ path: options.path, timeoutMs: options.timeoutMs });
  let pushCount = 0;
  let refusal: KlpError | undefined;
  const session = openTapSession(duplex, { onNote, onTrace: options.trace === 'off' ? undefined : onTrace });
  function onTrace(entry: Parameters<typeof formatTrace>[0]): void {
    io.stderr(`${formatTrace(entry, { atMs: Date.now(), bodies: options.trace === 'bodies' })}\n`);
  }
  function onNote(note: TapNote): void {
    if (note.kind === 'odd') io.stderr(`klp-tap: ignored ${note.detail}\n`);
    if (note.kind === 'anonymous_error') {
      refusal = note.error;
      print({ error: errorOf(note.error) });
    }
    if (note.kind !== 'push' || pushCount >= options.pushesMax) return;
    pushCount += 1;
    print({ push: note.method, params: note.params });
    if (pushCount === options.pushesMax) enough.resolve();
  }
  try {
    const code = await makeCalls(session, options, print);
    if (options.follow && code === 0) await Promise.race([enough.promise, session.ended, aborted(io.signal)]);
    return code;
  } catch (error) {
    // What the server said last tells more than that it ended the connection.
    throw refusal ?? error;
  } finally {
    await session.close();
  }
}

async function makeCalls(session: TapSession, options: TapOptions, print: (line: object) => void): Promise<number> {
  for (const { method, params } of options.calls) {
    const outcome = await session.call(method, params, { timeoutMs: options.timeoutMs });
    print({ method, ...outcomeOf(outcome) });
    if (!outcome.ok) return 1;
  }
  return 0;
}

function outcomeOf(outcome: ResponseOutcome): object {
  return outcome.ok ? { result: outcome.result } : { error: errorOf(outcome.error) };
}

function errorOf({ kind, detail, limit }: KlpError): object {
  return { kind, detail, limit };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
