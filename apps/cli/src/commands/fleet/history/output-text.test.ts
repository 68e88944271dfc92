import { describe, expect, it } from 'vitest';
import type { FormName } from '../../../call/command.ts';
import { createOutputText } from './output-text.ts';

const document = { schema_version: '0.1', ok: true, type: 'fleet.show', job_id: 'a', pc_id: 'pc-1', exit_code: 0 };

/** What is printed of these pieces of bytes. */
async function print(
  form: FormName,
  pieces: Readonly<Record<'stdout' | 'stderr', readonly (string | Uint8Array)[]>>,
  { isTerminal = false, more = {} } = {},
) {
  let text = '';
  const io = {
    stdout: (part: string) => {
      text += part;
    },
    stderr: () => {},
    isTerminal: () => isTerminal,
    env: { NO_COLOR: '1' },
    signal: new AbortController().signal,
  };
  const output = createOutputText(io, form);
  await output.begin(document);
  for (const stream of ['stdout', 'stderr'] as const) {
    output.open(stream);
    for (const piece of pieces[stream]) output.add(Buffer.from(piece as string));
    output.close();
  }
  return { rest: output.end(more), text };
}

const cut = Buffer.from('„é"\\\u0000\u2028');
const bytewise = [...cut].map((_, at) => cut.subarray(at, at + 1));

describe('createOutputText()', () => {
  it('makes one JSON document, however the bytes are cut', async () => {
    const { text, rest } = await print('json', { stdout: bytewise, stderr: [] }, { more: { missing_output: [1] } });
    expect(rest).toBeUndefined();
    expect(text).toMatch(/^[^\n]*\n$/);
    expect(JSON.parse(text)).toEqual({ ...document, stdout: '„é"\\\u0000\u2028', stderr: '', missing_output: [1] });
  });

  it('says where bytes are no UTF-8', async () => {
    const pieces = { stdout: [Uint8Array.of(0x61, 0xff), Uint8Array.of(0xc3)], stderr: [] };
    expect(JSON.parse((await print('json', pieces)).text)).toMatchObject({ stdout: 'a\ufffd\ufffd' });
  });

  it('prints for people behind the rest, as it is where nobody looks', async () => {
    const { text } = await print('human', { stdout: ['a\u001b[2J\r', '\nb'], stderr: ['oops\n'] });
    expect(text).toMatch(/^✓ a on pc-1: exited 0\n/);
    expect(text).toContain('--- stdout\na\u001b[2J\r\nb\n--- stderr\noops\n');
  });

  it('paints no terminal', async () => {
    const pieces = { stdout: ['a\r', '\nb\t\u009b31m\r', '50 %\r'], stderr: ['\u001b]0;x\u0007'] };
    const { text } = await print('human', pieces, { isTerminal: true });
    expect(text).toContain('--- stdout\na\nb\t?31m\\r50 %\\r\n--- stderr\n\\u001b]0;x\\u0007\n');
  });

  it('leaves the whole of it to others', async () => {
    const { text, rest } = await print('yaml', { stdout: bytewise, stderr: ['b'] });
    expect({ text, rest }).toEqual({ text: '', rest: { stdout: '„é"\\\u0000\u2028', stderr: 'b' } });
  });
});
