import { expect, it } from 'vitest';
import { KlpError } from '../wire/error.ts';
import { firstLine, type Line, type LineEvent, stepLine } from './machine.ts';

const pace = { backoffFirstMs: 1_000, backoffMaxMs: 30_000, backoffJitter: 0.5, steadyMs: 1_000 };
const error = new Error('gone');
const refusal = new KlpError('Unauthorized', 'not you');
const connecting: Line<string> = firstLine;
const connected: Line<string> = { ...firstLine, at: { kind: 'connected', handshake: 'hi' }, sinceMs: 100 };
const away: Line<string> = { at: { kind: 'away', retryInMs: 9, error }, failureCount: 3, wasShort: true };
const refused: Line<string> = { at: { kind: 'refused', error: refusal }, failureCount: 0, wasShort: false };
const closed: Line<string> = { at: { kind: 'closed' }, failureCount: 0, wasShort: false };

const prepared: LineEvent<string> = { kind: 'prepared', handshake: 'hi', nowMs: 100 };
const lostAt = (nowMs: number, roll = 0): LineEvent<string> => ({
  kind: 'lost',
  error,
  refusal: undefined,
  nowMs,
  roll,
});

it.each([
  ['connecting, prepared', connecting, prepared, 'connected', ['tell']],
  ['connecting, lost', connecting, lostAt(0), 'away', ['report', 'tell', 'wait']],
  ['connecting, refused', connecting, { ...lostAt(0), refusal }, 'refused', ['report', 'tell', 'end_pushes']],
  ['connecting, due', connecting, { kind: 'due' }, 'connecting', []],
  ['connecting, close', connecting, { kind: 'close' }, 'closed', ['hang_up', 'tell', 'end_pushes']],
  ['connected, prepared again', connected, prepared, 'connected', []],
  ['connected, lost', connected, lostAt(5_000), 'away', ['report', 'tell', 'wait']],
  ['connected, refused', connected, { ...lostAt(5_000), refusal }, 'refused', ['report', 'tell', 'end_pushes']],
  ['connected, close', connected, { kind: 'close' }, 'closed', ['hang_up', 'tell', 'end_pushes']],
  ['away, due', away, { kind: 'due' }, 'connecting', ['tell', 'dial']],
  ['away, prepared', away, prepared, 'away', []],
  ['away, close', away, { kind: 'close' }, 'closed', ['hang_up', 'tell', 'end_pushes']],
  ['refused, due', refused, { kind: 'due' }, 'refused', []],
  ['refused, close', refused, { kind: 'close' }, 'refused', []],
  ['closed, prepared', closed, prepared, 'closed', []],
  ['closed, lost', closed, lostAt(5), 'closed', []],
] as const)('stepLine: %s', (_name, line, event, kind, effects) => {
  const [next, done] = stepLine<string>(line, event as LineEvent<string>, pace);
  expect(next.at.kind).toBe(kind);
  expect(done.map((effect) => effect.kind)).toEqual(effects);
});

it.each([
  ['the first failure', connecting, lostAt(0), 1_000, 1],
  ['the fourth', away, lostAt(0), 8_000, 4],
  ['the hundredth', { ...away, failureCount: 99 }, lostAt(0), 30_000, 100],
  ['a failure, shortened as far as can be', away, lostAt(0, 1), 4_000, 4],
  ['a connection that lived', { ...connected, failureCount: 7 }, lostAt(1_100), 0, 0],
  ['the first that did not', { ...connected, failureCount: 7 }, lostAt(1_099), 0, 0],
  ['the second that did not', { ...connected, failureCount: 0, wasShort: true }, lostAt(1_099), 1_000, 1],
  ['one that lived behind one that did not', { ...connected, wasShort: true }, lostAt(1_100), 0, 0],
])('stepLine waits after %s', (_name, line, event, ms, failureCount) => {
  const [next, effects] = stepLine<string>(line, event, pace);
  expect(next).toMatchObject({ at: { kind: 'away', retryInMs: ms, error }, failureCount });
  expect(effects.at(-1)).toEqual({ kind: 'wait', ms });
});
