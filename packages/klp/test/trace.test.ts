import { appendFileSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openTraceFile } from '../src/trace.ts';
import { connectTo, temporaryDirectory, transports } from './serving.ts';

function linesOf(path: string): Record<string, unknown>[] {
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

describe.each(transports)('a trace over $name', ({ serve }) => {
  it('has every frame of both ends, without what they hold', async () => {
    const path = join(temporaryDirectory(), 'trace');
    const trace = openTraceFile(path);
    onTestFinished(() => trace[Symbol.dispose]());
    const client = connectTo(await serve({ onTrace: trace.trace('server') }), { onTrace: trace.trace('client') });
    await client.ready();
    await client.call('text.echo', { text: 'hunter2' });
    expect(linesOf(path)).toMatchObject([
      { label: 'client', direction: 'out', kind: 'request', id: '1', method: 'system.handshake' },
      { label: 'server', direction: 'in', kind: 'request', id: '1', method: 'system.handshake' },
      { label: 'server', direction: 'out', kind: 'response', id: '1' },
      { label: 'client', direction: 'in', kind: 'response', id: '1' },
      { label: 'client', direction: 'out', kind: 'request', id: '2', method: 'text.echo' },
      { label: 'server', direction: 'in', kind: 'request', id: '2', method: 'text.echo' },
      { label: 'server', direction: 'out', kind: 'response', id: '2' },
      { label: 'client', direction: 'in', kind: 'response', id: '2' },
    ]);
    expect(readFileSync(path, 'utf8')).not.toContain('hunter2');
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it('has the bodies when it is told to', async () => {
    const path = join(temporaryDirectory(), 'trace');
    const trace = openTraceFile(path, { bodies: true });
    onTestFinished(() => trace[Symbol.dispose]());
    const client = connectTo(await serve(), { onTrace: trace.trace('client') });
    await client.ready();
    await client.call('text.echo', { text: 'hello' });
    expect(linesOf(path).at(-1)).toMatchObject({ kind: 'response', id: '2', result: { text: 'hello' } });
  });
});

describe('openTraceFile', () => {
  it('closes a file to others, and follows no link', () => {
    const dir = temporaryDirectory();
    const path = join(dir, 'trace');
    writeFileSync(path, '', { mode: 0o644 });
    symlinkSync(path, join(dir, 'link'));
    expect(() => openTraceFile(join(dir, 'link'))).toThrow(/ELOOP/);
    using _trace = openTraceFile(path);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it('stops at its size, counting what was there, and says so', () => {
    const path = join(temporaryDirectory(), 'trace');
    appendFileSync(path, `${JSON.stringify({ old: 'x'.repeat(400) })}\n`);
    using trace = openTraceFile(path, { bytesMax: 500 });
    const hook = trace.trace('a');
    for (let n = 0; n < 100; n += 1) hook({ direction: 'in', body: '{"jsonrpc":"2.0","method":"a"}' });
    expect(linesOf(path).map((line) => line.trace ?? line.kind)).toEqual([undefined, 'notification', 'full']);
  });

  it('throws when it cannot be opened', () => {
    const path = join(temporaryDirectory(), 'trace');
    mkdirSync(path);
    expect(() => openTraceFile(path)).toThrow(/EISDIR/);
  });

  it('goes on without a word when it was closed', () => {
    const trace = openTraceFile(join(temporaryDirectory(), 'trace'));
    const hook = trace.trace('a');
    trace[Symbol.dispose]();
    hook({ direction: 'in', body: '{}' });
    trace[Symbol.dispose]();
  });
});
