import { describe, expect, it } from 'vitest';
import { readEvent } from './emit.ts';

const run = { runId: 'r', pcId: 'pc-1' };
const event = { at: '2026-01-02T03:04:05Z', kind: 'logon', source: 'Security:4624' };

describe('readEvent()', () => {
  it('makes it an event of this machine, with an id that a repetition has, too', () => {
    const text = JSON.stringify({ ...event, pc_id: 'another', payload: { user: 'x' }, extra: 1 });
    expect(readEvent(run, text, 7)).toEqual({
      ...event,
      pc_id: 'pc-1',
      event_record_id: 'r.7',
      payload: { user: 'x' },
      extra: 1,
    });
  });

  it('keeps the id that the script gives', () => {
    expect(readEvent(run, JSON.stringify({ ...event, event_record_id: '42' }), 7)).toMatchObject({
      event_record_id: '42',
    });
  });

  it.each([
    ['no JSON', '{"at":NaN}', 'no JSON'],
    ['a list', '[]', 'no JSON object'],
    ['no time', JSON.stringify({ ...event, at: undefined }), expect.stringMatching(/^at: /)],
    ['a time that is none', JSON.stringify({ ...event, at: 'now' }), expect.stringMatching(/^at: /)],
    ['no kind', JSON.stringify({ ...event, kind: 1 }), expect.stringMatching(/^kind: /)],
    ['no source', JSON.stringify({ ...event, source: undefined }), expect.stringMatching(/^source: /)],
    ['a line without an end', ' '.repeat(70_000), 'over 65536 characters'],
  ])('refuses %s', (_name, text, why) => {
    expect(readEvent(run, text, 1)).toEqual(why);
  });
});
