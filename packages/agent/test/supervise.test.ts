import { eventually } from '@kanade/testkit';
import { describe, expect, it } from 'vitest';
import type { Outcome } from '../src/run/model.ts';
import { asAdmitted, asLaunching, exited, openSupervisor } from './supervisor.ts';

describe('createSupervisor()', () => {
  it('ends a run whose work throws, with the reason, and reports it', async () => {
    await using open = await openSupervisor({
      launcher: {
        launch: () => Promise.reject(new Error('no space left on device')),
      },
    });
    const run = open.admit();
    open.supervisor.begin(asAdmitted(run));
    expect(await open.endOf(run)).toMatchObject({
      ending: { kind: 'not_started', reason: 'not started: no space left on device' },
      exitCode: -1,
    });
    expect(open.registry.get(run.runId)).toBeUndefined();
    expect(open.ledger.open()).toEqual([]);
    expect((await open.outbox.count()).ready.records).toBe(1);
  });

  it('stops and calls lost what it cannot watch over', async () => {
    await using open = await openSupervisor({
      launcher: {
        launch(live) {
          const read = () => ({ text: '', range: [0, 0], totalBytes: 0 }) as const;
          open.registry.started(live, { job: { id: 'j', path: '/j' }, startedAtMs: 7, read });
          return Promise.reject(new Error('EIO'));
        },
      },
    });
    const run = open.admit();
    open.supervisor.begin(asAdmitted(run));
    expect(await open.endOf(run)).toMatchObject({ ending: { kind: 'lost', reason: 'EIO' }, exitCode: 121 });
  });

  it('puts a launch that never began through the gates again, once the broker was heard', async () => {
    const heard = Promise.withResolvers<void>();
    await using open = await openSupervisor({ heard: heard.promise });
    const run = open.admit();
    open.supervisor.resume([asLaunching(run)]);
    open.standing.now = { ...open.standing.now, isRevoked: true };
    heard.resolve();
    expect(await open.endOf(run)).toMatchObject({ ending: { kind: 'not_started' }, exitCode: 126 });
    expect(open.launched).toEqual([]);
  });

  it('lets a launch that never began wait for a place like any other', async () => {
    const first = Promise.withResolvers<Outcome>();
    const order: string[] = [];
    await using open = await openSupervisor({
      launcher: {
        launch({ run }) {
          order.push(run.runId);
          return order.length === 1 ? first.promise : Promise.resolve(exited);
        },
      },
    });
    const [blocker, cutOff] = [open.admit(), open.admit()];
    open.supervisor.begin(asAdmitted(blocker));
    await eventually('the first to run', () => order.length === 1);
    open.supervisor.resume([asLaunching(cutOff)]);
    await Promise.resolve();
    expect(order).toEqual([blocker.runId]);
    first.resolve(exited);
    await open.endOf(cutOff);
    expect(order).toEqual([blocker.runId, cutOff.runId]);
  });

  it('never starts what an earlier agent was asked to stop', async () => {
    await using open = await openSupervisor({});
    const run = open.admit();
    open.ledger.stopping(run.runId, 'operator');
    open.supervisor.resume(open.ledger.open());
    expect(await open.endOf(run)).toMatchObject({ ending: { kind: 'killed', by: 'operator' } });
    expect(open.launched).toEqual([]);
  });

  it('leaves the output out of a result for which the outbox has no room', async () => {
    await using open = await openSupervisor({ limits: { bytesMax: 2_000 } });
    const run = open.admit();
    open.supervisor.begin(asAdmitted(run));
    await open.endOf(run);
    const [record] = await open.outbox.list();
    expect(record?.bytes).toBeLessThan(2_000);
    expect(open.report.isBehind()).toBe(false);
  });

  it('keeps the place of a run that cannot be reported, so that those behind it do not start', async () => {
    await using open = await openSupervisor({ limits: { recordsMax: 1 } });
    const [first, second, third] = [open.admit(), open.admit(), open.admit()];
    for (const run of [first, second, third]) open.supervisor.begin(asAdmitted(run));
    await open.endOf(first);
    await eventually('the second to be over the budget', () => open.report.isBehind());
    expect(open.launched).toEqual([first.runId, second.runId]);
    expect(open.registry.all().map(({ run }) => run.runId)).toEqual([second.runId, third.runId]);
  });
});
