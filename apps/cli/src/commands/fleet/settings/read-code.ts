import { Failure } from '../../../answer/answer.ts';
import type { Io } from '../../../io.ts';

/** Bytes of a code with what stands behind it, at most. */
const bytesMax = 4096;

/**
 * A secret from the terminal, where it is not shown, or from standard input: its first line. Never an argument, because everybody can
 * read those. Throws Failure `code_missing`.
 */
export async function readCode(io: Pick<Io, 'stderr' | 'stdin' | 'signal'>, question: string): Promise<string> {
  const { stderr, signal } = io;
  const stdin = io.stdin?.();
  if (!stdin) throw nothingGiven();
  const isAsked = stdin.isTTY === true;
  if (isAsked) {
    stderr(question);
    stdin.setRawMode(true);
  }
  try {
    const code = await firstLine(stdin, signal);
    if (code === '') throw nothingGiven();
    return code;
  } finally {
    if (isAsked) {
      stdin.setRawMode(false);
      stderr('\n');
    }
    stdin.pause();
  }
}

function firstLine(stdin: NodeJS.ReadStream, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const done = (settle: () => void): void => {
      stdin.off('data', onData).off('end', onEnd).off('error', onError);
      signal.removeEventListener('abort', onAbort);
      settle();
    };
    const onEnd = (): void => done(() => resolve(text));
    const onError = (error: Error): void => done(() => reject(error));
    const onAbort = (): void => done(() => reject(signal.reason));
    const onData = (chunk: Buffer | string): void => {
      const next = typed(text, String(chunk));
      if (next === 'interrupted') onError(new Failure('interrupted', 'nothing was changed'));
      else if (next.text.length > bytesMax) onError(new Failure('code_missing', 'that is too long for a code'));
      else text = next.text;
      if (next !== 'interrupted' && next.isWhole) onEnd();
    };
    signal.addEventListener('abort', onAbort, { once: true });
    stdin.setEncoding('utf8').on('data', onData).once('end', onEnd).once('error', onError);
  });
}

/** What stands there when these signs were typed behind a text; in raw mode the keys that correct and end come as signs, too. */
function typed(before: string, signs: string): { text: string; isWhole: boolean } | 'interrupted' {
  let text = before;
  for (const sign of signs) {
    if (sign === '\u0003') return 'interrupted';
    if (sign === '\n' || sign === '\r' || sign === '\u0004') return { text, isWhole: true };
    text = sign === '\u007f' || sign === '\b' ? text.slice(0, -1) : text + sign;
  }
  return { text, isWhole: false };
}

const nothingGiven = (): Failure =>
  new Failure('code_missing', 'no code was given: type it, or write it to standard input');
