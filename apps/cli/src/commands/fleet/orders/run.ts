import { readFile, stat } from 'node:fs/promises';
import type { Shell, Target } from '@kanade/shared/fleet';
import { Failure } from '../../../answer/answer.ts';
import { type Context, defineCommand, UsageError } from '../../../call/command.ts';
import { secondsOption, withFleet } from '../connect.ts';
import { keyOption, signatureOf, signerFor } from '../key/signing.ts';
import { askedRetry, retryOptions } from './retry-option.ts';
import { checkWaitOptions, orderedAnswer, waitAndAnswer, waitOptions } from './wait-answer.ts';

const shells: readonly Shell[] = ['sh', 'bash', 'pwsh', 'powershell', 'cmd'];

/** How long a script may run, in ms. */
const timeoutMsDefault = 60_000;

/** How long machines may take to come to it, in ms: clocks may differ by minutes, and after that nobody looks any more. */
const deadlineMsDefault = 600_000;

/** Bytes of a script: with its envelope it fits into one message. */
const scriptBytesMax = 512 * 1024;

/** Characters of a script that its record shows. */
const recordedCharsMax = 4_096;

export const fleetRun = defineCommand({
  name: 'run',
  summary: 'run a script on machines that is in no catalogue, as their system user, and show what it printed',
  usage: 'PC... [-- SCRIPT...]',
  waits: true,
  keepsDashes: true,
  options: {
    file: {
      kind: 'text',
      value: 'FILE',
      help: 'the script; - for standard input, which is read without FILE and SCRIPT',
    },
    shell: { kind: 'text', value: 'SHELL', values: shells, help: `one of ${shells.join(', ')} (default: sh)` },
    timeout: { kind: 'count', value: 'SECONDS', help: 'how long each run may take (default: 60)' },
    ...retryOptions,
    deadline: {
      kind: 'count',
      value: 'SECONDS',
      help: 'machines that come to it later do not start it (default: 600)',
    },
    'no-wait': { kind: 'flag', help: 'only order it' },
    ...waitOptions,
    ...keyOption,
  },
  notes: [
    'Words of SCRIPT are joined by blanks. "kanade fleet kill EXEC_ID" stops it; "kanade fleet revoke adhoc-run" forbids scripts like this everywhere.',
  ],
  examples: [
    'kanade fleet run pc-042 -- df -h /',
    'kanade fleet run pc-042 pc-043 --shell bash --file check.sh',
    'echo uptime | kanade fleet run pc-042',
  ],
  async run(options, words, context) {
    const dashes = words.indexOf('--');
    const targets = targetsOf(dashes < 0 ? words : words.slice(0, dashes));
    const shell = shells.find((known) => known === (options.shell ?? 'sh'));
    if (!shell) throw new UsageError(`option --shell must be one of ${shells.join(', ')}: ${options.shell}`);
    if (options['no-wait']) checkWaitOptions(options);
    secondsOption('until', options.until);
    const timeoutMs = secondsOption('timeout', options.timeout) ?? timeoutMsDefault;
    const deadlineMs = secondsOption('deadline', options.deadline) ?? deadlineMsDefault;
    const retry = askedRetry(options);
    const script = await readScript(dashes < 0 ? undefined : words.slice(dashes + 1), options.file, context);
    const signer = await signerFor(context, options.key);
    const { io } = context;
    return withFleet(context, async (connected) => {
      const asked = { targets, script, shell, timeoutMs, retry, deadlineMs: Date.now() + deadlineMs, signer };
      const order = await connected.runScript(connected.fleet, { ...asked, signal: io.signal });
      io.stderr(`ordered on ${order.subjects.join(', ')}: ${order.execId}\n`);
      const signature = signatureOf(order, context);
      const details = {
        ...signature,
        shell,
        script: script.slice(0, recordedCharsMax),
        script_bytes: Buffer.byteLength(script),
      };
      const noted = { ...signature, ...(await connected.audit({ action: 'run', order, details })) };
      if (options['no-wait']) return { ...orderedAnswer('fleet.run', order), ...noted };
      const wait = { type: 'fleet.run', order, until: options.until, follow: options.follow };
      return { ...(await waitAndAnswer(connected, wait, context)), ...noted };
    });
  },
});

function targetsOf(words: readonly string[]): Target[] {
  const pcs = [...new Set(words.flatMap((word) => word.split(',')))];
  if (pcs.length === 0) throw new UsageError('PC is missing: name at least one machine');
  if (pcs.includes('')) throw new UsageError(`a PC without a name: ${words.join(' ')}`);
  return pcs.map((pc) => ({ kind: 'pc', pc }));
}

async function readScript(
  words: readonly string[] | undefined,
  file: string | undefined,
  { io }: Context,
): Promise<string> {
  if (words !== undefined && file !== undefined) throw new UsageError('--file and SCRIPT exclude each other');
  if (words?.length === 0) throw new UsageError('SCRIPT is missing behind --');
  const text =
    words?.join(' ') ?? (file === undefined || file === '-' ? await readInput(io.signal) : await readText(file));
  if (text.trim() === '') throw new UsageError('the script is empty');
  return text;
}

async function readInput(signal: AbortSignal): Promise<string> {
  if (process.getBuiltinModule('node:tty').isatty(0))
    throw new UsageError('SCRIPT is missing: put it behind --, into --file, or into standard input');
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  const stop = (): void => void process.stdin.destroy(signal.reason);
  signal.addEventListener('abort', stop, { once: true });
  try {
    for await (const chunk of process.stdin as AsyncIterable<Uint8Array>) {
      bytes += chunk.length;
      checkBytes(bytes, 'standard input');
      chunks.push(chunk);
    }
  } finally {
    signal.removeEventListener('abort', stop);
  }
  return Buffer.concat(chunks).toString('utf8');
}

async function readText(file: string): Promise<string> {
  try {
    checkBytes((await stat(file)).size, file);
    return await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof Failure) throw error;
    const said = error instanceof Error ? error.message : String(error);
    throw new Failure('file_unreadable', `reading the script failed: ${said}`, { details: { file }, cause: error });
  }
}

function checkBytes(bytes: number, place: string): void {
  if (bytes <= scriptBytesMax) return;
  throw new Failure('too_large', `the script in ${place} is too large: at most ${scriptBytesMax} bytes`);
}
