import { describe, expect, it } from 'vitest';
import type { StateFile, StopFile, StopRequest } from '../record/layout.ts';
import { decideEnding, endingOf, type JobFacts, signalOf } from './decide-ending.ts';

const job = { id: 'j', path: '/jobs/j' };
const identity = { pid: 7, start: '70', boot: 'b' };
const member = { pid: 8, start: '80', boot: 'b' };
const started = 1_000_000;
const ended = 1_003_000;

const running: StateFile = {
  job: { id: 'j', status: 'running', started_at: '1970-01-01T00:16:40Z' },
  result: { exit_code: null, signal: null, duration_ms: null },
  pid: 7,
  updated_at: '1970-01-01T00:16:40Z',
  logs_drained: true,
  identity,
  started_at_ms: started,
};
const { identity: _ours, ...ofAncestor } = running;
const created: StateFile = {
  job: { id: 'j', status: 'created' },
  result: { exit_code: null, signal: null, duration_ms: null },
  updated_at: '1970-01-01T00:16:40Z',
  logs_drained: true,
};
const exited: StateFile = {
  ...running,
  job: { id: 'j', status: 'exited' },
  finished_at: '1970-01-01T00:16:43Z',
  ending: { kind: 'exited', exitCode: 0 },
};
const record = (status: number, reported = false) => ({ kind: 'ended', pid: 7, status, reported }) as const;
const begun = { kind: 'started', pid: 7 } as const;
const stop = (by: StopRequest['by'], signal_number: number, more: Partial<StopFile> = {}): StopFile => ({
  intent: 'stop',
  by,
  signal: 'SIGTERM',
  signal_number,
  at_ms: ended - 100,
  ...more,
});
const lagging = (ms: number) => ({ bornAtMs: started, writtenAtMs: ended - ms });
const holder = { identity: member, holdsLogs: true };
const bystander = { identity: member, holdsLogs: false };

const plain: JobFacts = {
  job,
  state: running,
  meta: { created_at: new Date(started).toISOString() } as JobFacts['meta'],
  metaWrittenAtMs: started,
  hasFullLog: true,
  record: begun,
  recordTimes: { bornAtMs: started, writtenAtMs: ended },
  stop: undefined,
  stopWrittenAtMs: undefined,
  omitted: undefined,
  process: 'alive',
  shim: { identity: undefined, leads: false },
  left: [],
};
const launching: Partial<JobFacts> = {
  state: undefined,
  hasFullLog: false,
  process: 'none',
  record: { kind: 'empty' },
};
const recorded: Partial<JobFacts> = { state: created, process: 'none', shim: { identity, leads: true } };
const gone: Partial<JobFacts> = { process: 'gone' };
const half: Partial<JobFacts> = { state: { ...exited, logs_drained: false }, process: 'gone', record: record(0) };

/** What a row expects of a decision; what it does not name is not looked at. */
interface Expected {
  readonly status: string;
  readonly isNews?: boolean;
  readonly state?: object | undefined;
}
const news = (status: string, state: object = {}): Expected => ({ status, isNews: true, state });
const stands = (status: string): Expected => ({ status, isNews: false });
const ends = (ending: object, more: object = {}): Expected =>
  news('signal' in ending ? 'killed' : 'exited', { ending, ...more });
const lost = (reason: RegExp | string): Expected =>
  news('failed', { ending: { kind: 'lost', reason: expect.stringMatching(reason) } });

type Row = [name: string, facts: Partial<JobFacts>, expected: Expected, nowMs?: number];

const rows: Row[] = [
  // A state that stands.
  ['created, nothing recorded', { state: created, process: 'none', record: { kind: 'empty' } }, stands('created')],
  ['running, alive, nothing recorded yet', { record: { kind: 'empty' } }, stands('running')],
  ['running and alive', {}, stands('running')],
  ['exited long ago', { state: exited, process: 'gone', record: record(0) }, stands('exited')],
  [
    'exited long ago, without a record',
    { state: exited, process: 'gone', record: { kind: 'empty' } },
    stands('exited'),
  ],
  ['killed long ago', { state: { ...exited, job: { id: 'j', status: 'killed' } } }, stands('killed')],
  ['failed to start', { state: { ...created, job: { id: 'j', status: 'failed' } } }, stands('failed')],
  ['ended, and its pid is somebody else', { state: exited, process: 'alive' }, stands('exited')],
  ['ended, with members that were named then', { state: { ...exited, left_running: [member] } }, stands('exited')],
  ['ended, and a new member has the logs', { state: exited, left: [holder] }, stands('exited')],

  // A record that says how it ended.
  ['exit 0', { ...gone, record: record(0) }, ends({ kind: 'exited', exitCode: 0 })],
  ['exit 3', { ...gone, record: record(3) }, ends({ kind: 'exited', exitCode: 3 })],
  ['exit 128', { ...gone, record: record(128) }, ends({ kind: 'exited', exitCode: 128 })],
  ['exit 143 of its own will', { ...gone, record: record(143) }, ends({ kind: 'exited', exitCode: 143 })],
  ['death by TERM', { ...gone, record: record(143, true) }, ends({ kind: 'signaled', signal: 15 })],
  ['death by KILL', { ...gone, record: record(137, true) }, ends({ kind: 'signaled', signal: 9 })],
  ['a record while the shim still lives', { record: record(0) }, ends({ kind: 'exited', exitCode: 0 })],
  ['a record after a reboot', { process: 'other-boot', record: record(0) }, ends({ kind: 'exited', exitCode: 0 })],
  ['how long it took', { ...gone, record: record(0) }, news('exited', { result: { duration_ms: 3000 } })],
  ['when it ended', { ...gone, record: record(0) }, news('exited', { finished_at: '1970-01-01T00:16:43Z' })],
  [
    'a clock that was set back meanwhile',
    { ...gone, record: record(0), recordTimes: { bornAtMs: started, writtenAtMs: started - 9 } },
    news('exited', { result: { duration_ms: 1 } }),
  ],
  [
    'the signal as text, and no exit code',
    { ...gone, record: record(143, true) },
    news('killed', { result: { exit_code: null, signal: '15' } }),
  ],

  // Who had asked for it.
  [
    'stopped by the user',
    { ...gone, record: record(143, true), stop: stop('user', 15) },
    ends({ kind: 'killed', by: 'user', signal: 15 }),
  ],
  [
    'stopped by the operator',
    { ...gone, record: record(137, true), stop: stop('operator', 15) },
    ends({ kind: 'killed', by: 'operator', signal: 9 }),
  ],
  [
    'stopped, and exits by itself',
    { ...gone, record: record(0), stop: stop('user', 15) },
    ends({ kind: 'killed', by: 'user', exitCode: 0 }),
  ],
  [
    'the deadline, by KILL',
    { ...gone, record: record(137, true), stop: stop('timeout', 15) },
    ends({ kind: 'timed_out', signal: 9 }),
  ],
  [
    'the deadline, and exits by itself',
    { ...gone, record: record(1), stop: stop('timeout', 15) },
    ends({ kind: 'timed_out', exitCode: 1 }),
  ],
  [
    'an unreported INT that we sent',
    { ...gone, record: record(130), stop: stop('user', 2) },
    ends({ kind: 'killed', by: 'user', signal: 2 }),
  ],
  [
    'exit 130 while TERM was sent',
    { ...gone, record: record(130), stop: stop('user', 15) },
    ends({ kind: 'killed', by: 'user', exitCode: 130 }),
  ],
  [
    'a mere signal that it survived',
    { ...gone, record: record(0), stop: stop('user', 10, { intent: 'signal' }) },
    ends({ kind: 'exited', exitCode: 0 }),
  ],
  [
    'a mere signal that was deadly',
    { ...gone, record: record(138, true), stop: stop('user', 10, { intent: 'signal' }) },
    ends({ kind: 'killed', by: 'user', signal: 10 }),
  ],
  [
    'a mere signal, and another death',
    { ...gone, record: record(139, true), stop: stop('user', 10, { intent: 'signal' }) },
    ends({ kind: 'signaled', signal: 11 }),
  ],
  [
    'a stop that came after the end',
    { ...gone, record: record(0), stop: stop('user', 15, { at_ms: ended + 50 }) },
    ends({ kind: 'exited', exitCode: 0 }),
  ],
  [
    'a stop that made the end, by a file clock that lags',
    { ...gone, record: record(143, true), stop: stop('user', 15, { at_ms: ended + 90 }), stopWrittenAtMs: ended },
    ends(
      { kind: 'killed', by: 'user', signal: 15 },
      { result: { duration_ms: 3_090 }, finished_at: '1970-01-01T00:16:43Z' },
    ),
  ],
  [
    'a stop that was written after the end, a moment later',
    { ...gone, record: record(0), stop: stop('user', 15, { at_ms: ended + 1 }), stopWrittenAtMs: ended + 4 },
    ends({ kind: 'exited', exitCode: 0 }),
  ],
  [
    'a copied job, whose files have the times of the copy',
    { ...gone, record: record(143, true), stop: stop('user', 15), stopWrittenAtMs: ended + 1 },
    ends({ kind: 'killed', by: 'user', signal: 15 }),
  ],
  [
    'a deadline that has come, by a file clock that lags',
    {
      ...gone,
      record: record(143, true),
      stop: stop('timeout', 15, { at_ms: ended }),
      recordTimes: lagging(30),
      stopWrittenAtMs: ended - 30,
    },
    ends({ kind: 'timed_out', signal: 15 }, { result: { duration_ms: 3_000 } }),
  ],
  [
    'an end before its start, by a file clock that lags',
    { ...gone, record: record(0), recordTimes: lagging(3_030) },
    news('exited', { result: { duration_ms: 1 }, finished_at: '1970-01-01T00:16:40Z' }),
  ],
  [
    'an end before its start, by a clock that was set back',
    { ...gone, record: record(0), recordTimes: lagging(13_000) },
    news('exited', { result: { duration_ms: 1 }, finished_at: '1970-01-01T00:16:30Z' }),
  ],
  [
    'a deadline that came after the end',
    { ...gone, record: record(1), stop: stop('timeout', 15, { at_ms: ended + 50 }) },
    ends({ kind: 'exited', exitCode: 1 }),
  ],
  [
    'logs that had outgrown their limit',
    { ...gone, record: record(143, true), stop: stop('shutdown', 15, { log_limit: 9 }) },
    news('killed', { log_limit: 9, error: expect.stringContaining('9 bytes') }),
  ],
  [
    'a limit that was not the reason',
    { ...gone, record: record(1), stop: stop('shutdown', 15, { log_limit: 9, at_ms: ended + 50 }) },
    news('exited', { ending: { kind: 'exited', exitCode: 1 } }),
  ],
  [
    'logs with a hole',
    { ...gone, record: record(0), omitted: { stdout: [1, 2] } },
    news('exited', { log_omitted: { stdout: [1, 2] } }),
  ],

  // An ending is complete when its output is.
  ['nobody has the logs', { ...gone, record: record(0) }, news('exited', { logs_drained: true })],
  [
    'a member has the logs',
    { ...gone, record: record(0), left: [holder] },
    news('exited', { logs_drained: false, left_running: [member] }),
    ended + 10,
  ],
  [
    'a member has the logs, 1,999 ms later',
    { ...gone, record: record(0), left: [holder] },
    news('exited', { logs_drained: false }),
    ended + 1_999,
  ],
  [
    'a member has the logs, 2,000 ms later',
    { ...gone, record: record(0), left: [holder] },
    news('exited', { logs_drained: true, left_running: [member], logs_held: true }),
    ended + 2_000,
  ],
  [
    'a member without the logs',
    { ...gone, record: record(0), left: [bystander] },
    news('exited', { logs_drained: true, left_running: [member] }),
    ended + 10,
  ],
  [
    'one of two members has the logs',
    { ...gone, record: record(0), left: [bystander, holder] },
    news('exited', { logs_drained: false }),
    ended + 10,
  ],
  [
    'a killed job whose member has the logs',
    { ...gone, record: record(137, true), left: [holder] },
    news('killed', { logs_drained: false }),
    ended + 10,
  ],
  [
    'an end that lies in the future',
    { ...gone, record: record(0), left: [holder] },
    news('exited', { logs_drained: true }),
    ended - 60_000,
  ],
  ['half complete, still held', { ...half, left: [holder] }, stands('exited'), ended + 500],
  ['half complete, let go', half, news('exited', { logs_drained: true }), ended + 500],
  [
    'half complete, its time is over',
    { ...half, left: [holder] },
    news('exited', { logs_drained: true, left_running: [member], logs_held: true }),
    ended + 2_500,
  ],
  [
    'half complete, who is left has no logs',
    { ...half, left: [bystander] },
    news('exited', { logs_drained: true, left_running: [member] }),
    ended + 500,
  ],
  [
    'half complete, after a reboot',
    { ...half, process: 'other-boot' },
    news('exited', { logs_drained: true }),
    ended + 500,
  ],
  [
    'half complete, of the ancestor',
    { state: { ...ofAncestor, ...{ job: exited.job, logs_drained: false } }, left: [] },
    stands('exited'),
  ],

  // Nobody knows how it ended.
  ['the shim was killed', { ...gone, record: begun }, lost(/its shim was killed/)],
  ['the shim was killed before it said a word', { ...gone, record: { kind: 'empty' } }, lost(/its shim was killed/)],
  ['the machine was restarted', { process: 'other-boot', record: begun }, lost(/the machine was restarted/)],
  [
    'lost, and its workload lives on',
    { ...gone, record: begun, left: [holder] },
    news('failed', { left_running: [member], logs_drained: true }),
  ],
  [
    'lost has no result',
    { ...gone, record: begun },
    news('failed', { result: { exit_code: null, signal: null, duration_ms: null } }),
  ],
  [
    'lost says so',
    { ...gone, record: begun },
    news('failed', { error: expect.stringMatching(/^how it ended is not known/) }),
  ],

  // A launch that was cut off.
  ['its launcher died, its shim lives', recorded, news('running', { pid: 7, identity, started_at_ms: started })],
  ['its launcher died, and it has ended', { ...recorded, record: record(4) }, ends({ kind: 'exited', exitCode: 4 })],
  [
    'its launcher and its shim died',
    { ...recorded, shim: { identity: undefined, leads: false } },
    lost(/its launcher and its shim were killed/),
  ],
  [
    'the pid of its shim leads no group',
    { ...recorded, shim: { identity, leads: false } },
    lost(/its launcher and its shim/),
  ],
  ['no state yet', launching, stands('created'), started + 10],
  [
    'no state yet, its shim lives',
    { ...launching, ...recorded, state: undefined, record: begun },
    news('running'),
    started + 10,
  ],
  ['no state yet, and it has ended', { ...launching, record: record(0) }, news('exited'), started + 10],
  ['no state for 5 s', launching, stands('created'), started + 5_000],
  ['no state for longer', launching, stands('unknown'), started + 5_001],
  ['no state for longer, but it has ended', { ...launching, record: record(0) }, news('exited'), started + 60_000],
  ['no state, and the launch was over', { ...launching, hasFullLog: true }, stands('unknown')],
  ['no state and no definition', { ...launching, meta: undefined }, stands('unknown')],
  ['no state, a definition that is gone', { ...launching, metaWrittenAtMs: undefined }, stands('unknown')],
  [
    'no state, a definition without a date',
    { ...launching, meta: { created_at: 'x' } as JobFacts['meta'] },
    stands('unknown'),
  ],
  [
    'a copied definition without a state',
    { ...launching, metaWrittenAtMs: ended + 1e6 },
    stands('unknown'),
    ended + 1e6,
  ],

  // The ancestor's own.
  ['of the ancestor, its pid lives', { state: ofAncestor, process: 'taken' }, stands('running')],
  ['of the ancestor, its pid is gone', { state: ofAncestor, process: 'none' }, stands('unknown')],
  [
    'of the ancestor, with a record of ours beside it',
    { state: ofAncestor, process: 'none', record: record(0) },
    stands('unknown'),
  ],
];

describe(`decideEnding(), ${rows.length} rows`, () => {
  it.each(rows)('%s', (_name, facts, expected, nowMs = ended + 100_000) => {
    expect(decideEnding({ ...plain, ...facts }, nowMs)).toMatchObject(expected);
  });

  it('what stands is what was read', () => {
    expect(decideEnding({ ...plain, state: exited }, ended).state).toBe(exited);
  });

  it('has 60 rows at least', () => {
    expect(rows.length).toBeGreaterThanOrEqual(60);
  });
});

it.each([
  ['a reported signal', { status: 143, reported: true }, undefined, 15],
  ['exit 143 is an exit code', { status: 143, reported: false }, undefined, undefined],
  ['an unreported signal that we sent', { status: 130, reported: false }, stop('user', 2), 2],
  ['exit 130 while another signal was sent', { status: 130, reported: false }, stop('user', 15), undefined],
  ['a plain exit', { status: 0, reported: false }, stop('user', 15), undefined],
])('signalOf(): %s', (_name, said, request, signal) => {
  expect(signalOf(said, request)).toBe(signal);
});

it.each([
  ['exit', 3, undefined, undefined, { kind: 'exited', exitCode: 3 }],
  ['signal from elsewhere', 137, 9, undefined, { kind: 'signaled', signal: 9 }],
  ['deadline', 137, 9, stop('timeout', 15), { kind: 'timed_out', signal: 9 }],
])('endingOf(): %s', (_name, status, signal, request, ending) => {
  expect(endingOf(status, signal, request)).toEqual(ending);
});
