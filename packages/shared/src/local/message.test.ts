import { expect, it } from 'vitest';
import { LocalErrorKind } from './error-kind.ts';
import { DeferDuration, deferDurationMs, isDeferrable } from './maintenance.ts';
import { EarlyUserInvokableJob, JobProgress, RunStatus, UserInvokableJob } from './message.ts';
import { localContract } from './method.ts';
import { commonErrors, commonProtocol, isEnded, localAddress, localErrors } from './words.ts';

it('a status of a newer peer reads as unknown and never fails the message', () => {
  expect(JobProgress.parse({ run_id: 'r', status: 'paused' })).toEqual({ run_id: 'r', status: 'unknown' });
  expect(RunStatus.safeParse(7).success).toBe(false);
});

it('unknown is not an end', () => {
  expect([isEnded('unknown'), isEnded('running'), isEnded('killed')]).toEqual([false, false, true]);
});

it.each([
  [[1, 2, 3], 1],
  [[2], undefined],
  [[], undefined],
])('commonProtocol(%j) is %j', (offered, version) => {
  expect(commonProtocol(offered)).toBe(version);
});

it.each([
  ['15m', 900_000],
  ['m15', 900_000],
  ['30m', 1_800_000],
  ['m30', 1_800_000],
  ['1h', 3_600_000],
  ['h1', 3_600_000],
  ['2h', 900_000],
  ['toString', 900_000],
])('deferDurationMs() of %s is %i', (text, ms) => {
  expect(deferDurationMs(DeferDuration.parse(text))).toBe(ms);
});

it.each([
  [{}, false],
  [{ deferrable: true }, true],
  [{ deferable: true }, true],
  [{ deferrable: false, deferable: true }, false],
])('isDeferrable(%j) is %j', (spelled, answer) => {
  const item = { schedule_id: 's', manifest_id: 'm', display_name: 'd', next_fire_at: '2026-11-21T08:00:00Z' };
  expect(isDeferrable({ ...item, ...spelled })).toBe(answer);
});

it('LocalErrorKind reads what is in the table, and anything else as Unknown', () => {
  for (const kind of Object.keys(localErrors)) expect(LocalErrorKind.parse(kind)).toBe(kind);
  expect(['QuotaExceeded', 'toString'].map((kind) => LocalErrorKind.parse(kind))).toEqual(['Unknown', 'Unknown']);
  const codes = Object.values(localErrors).map(({ code }) => code);
  expect(new Set(codes).size).toBe(codes.length);
});

it.each([
  ['linux', '/run/kanade/agent.sock'],
  ['darwin', '/var/run/kanade/agent.sock'],
  ['win32', '\\\\.\\pipe\\kanade-agent'],
])('localAddress(%j) is %s', (platform, address) => {
  expect(localAddress(platform)).toBe(address);
});

it('a job of an early peer reads today; a job of today fails an early peer only for its category', () => {
  const early = { id: 'j', display_name: 'J', category: 'catalog', version: '1' };
  const today = { ...early, category_label: 'Catalogue', category_order: 3 };
  expect(UserInvokableJob.parse(early)).toEqual(early);
  expect(EarlyUserInvokableJob.parse(today)).toEqual(today);
  expect(EarlyUserInvokableJob.safeParse({ ...today, category: 'printers' }).success).toBe(false);
});

it('localContract names only errors and pushes that there are, and every push comes after some method', () => {
  const announced = new Set<string>();
  for (const method of Object.values(localContract.methods)) {
    const { errors = [], pushes = [] } = method as { errors?: readonly string[]; pushes?: readonly string[] };
    for (const kind of [...commonErrors, ...errors]) expect(localErrors).toHaveProperty(kind);
    for (const push of pushes) announced.add(push);
  }
  expect([...announced].sort()).toEqual(Object.keys(localContract.pushes).sort());
});

it('params whose fields all have defaults may be left out or null', () => {
  const lenient = Object.entries(localContract.methods).filter(([, { params }]) => params.safeParse({}).success);
  expect(lenient.length).toBeGreaterThan(10);
  for (const [, { params }] of lenient) {
    expect([params.safeParse(undefined).success, params.safeParse(null).success]).toEqual([true, true]);
  }
});
