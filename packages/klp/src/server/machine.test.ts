import { expect, it } from 'vitest';
import { begun, type ServerState, type ServerStep, stepServer } from './machine.ts';

const reason = { kind: 'closed_by_peer' } as const;
const gone: ServerStep = { kind: 'gone', reason };

it.each<[ServerState, ServerStep, ServerState, string[]]>([
  ['waiting', { kind: 'opened' }, 'open', ['stop_timer']],
  ['waiting', { kind: 'late' }, 'waiting', ['end']],
  ['waiting', { kind: 'close' }, 'draining', ['stop_timer', 'start_drain']],
  ['waiting', { kind: 'idle' }, 'waiting', []],
  ['waiting', gone, 'ended', ['stop_timer', 'abort']],
  ['open', { kind: 'opened' }, 'open', []],
  ['open', { kind: 'late' }, 'open', []],
  ['open', { kind: 'close' }, 'draining', ['stop_timer', 'start_drain']],
  ['open', { kind: 'idle' }, 'open', []],
  ['open', gone, 'ended', ['stop_timer', 'abort']],
  ['draining', { kind: 'opened' }, 'draining', []],
  ['draining', { kind: 'close' }, 'draining', []],
  ['draining', { kind: 'idle' }, 'draining', ['stop_timer', 'end']],
  ['draining', { kind: 'late' }, 'draining', ['stop_timer', 'end']],
  ['draining', gone, 'ended', ['stop_timer', 'abort']],
  ['ended', { kind: 'opened' }, 'ended', []],
  ['ended', { kind: 'close' }, 'ended', []],
  ['ended', { kind: 'late' }, 'ended', []],
  ['ended', { kind: 'idle' }, 'ended', []],
  ['ended', gone, 'ended', []],
])('stepServer: %s, %o → %s', (state, event, next, effects) => {
  const [after, done] = stepServer(state, event);
  expect(after).toBe(next);
  expect(done.map(({ kind }) => kind)).toEqual(effects);
});

it('stepServer says why it ends a connection', () => {
  expect(stepServer('waiting', { kind: 'late' })[1]).toEqual([{ kind: 'end', why: 'no_handshake' }]);
  expect(stepServer('draining', { kind: 'late' })[1]).toContainEqual({ kind: 'end', why: 'closed' });
  expect(begun).toEqual(['waiting', [{ kind: 'start_handshake_timer' }]]);
});
