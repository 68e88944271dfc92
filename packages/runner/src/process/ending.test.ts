import { expect, it } from 'vitest';
import { endingOf, type StopRequest, signalOf } from './ending.ts';

const stop = (by: StopRequest['by'], signal_number: number, intent: StopRequest['intent'] = 'stop'): StopRequest => ({
  intent,
  by,
  signal_number,
});

it.each([
  ['a reported signal', { status: 143, reported: true }, undefined, 15],
  ['exit 143 is an exit code', { status: 143, reported: false }, undefined, undefined],
  ['an unreported signal that we sent', { status: 130, reported: false }, stop('user', 2), 2],
  ['exit 130 while another signal was sent', { status: 130, reported: false }, stop('user', 15), undefined],
  ['a plain exit', { status: 0, reported: false }, stop('user', 15), undefined],
])('signalOf(): %s', (_name, record, request, signal) => {
  expect(signalOf(record, request)).toBe(signal);
});

it.each([
  ['exit', 3, undefined, undefined, { kind: 'exited', exitCode: 3 }],
  ['signal from elsewhere', 137, 9, undefined, { kind: 'signaled', signal: 9 }],
  ['stopped by the user', 143, 15, stop('user', 15), { kind: 'killed', by: 'user', signal: 15 }],
  ['stopped, exits by itself', 0, undefined, stop('operator', 15), { kind: 'killed', by: 'operator', exitCode: 0 }],
  ['deadline', 137, 9, stop('timeout', 15), { kind: 'timed_out', signal: 9 }],
  [
    'a mere signal that the workload handled',
    0,
    undefined,
    stop('user', 10, 'signal'),
    { kind: 'exited', exitCode: 0 },
  ],
  ['a mere signal that was deadly', 138, 10, stop('user', 10, 'signal'), { kind: 'killed', by: 'user', signal: 10 }],
])('endingOf(): %s', (_name, status, signal, request, ending) => {
  expect(endingOf(status, signal, request)).toEqual(ending);
});
