import { describe, expect, it } from 'vitest';
import type { Run } from './model.ts';
import { createRegistry, type RegistryEvent } from './supervise.ts';

const runOf = (runId: string, execId: string | null = null): Run => ({
  runId,
  pcId: 'pc-1',
  requestId: runId,
  execId,
  origin: 'fleet',
  owner: null,
  command: { id: 'job', version: '1', request_id: runId, shell: 'sh', script: '', timeout_secs: 1 },
});
const job = { id: 'j', path: '/j' };

function open() {
  const notes: string[] = [];
  const stops: string[] = [];
  const events: RegistryEvent['kind'][] = [];
  const registry = createRegistry({
    noteStop: (runId, by) => notes.push(`${runId} by ${by}`),
    stopJob: ({ id }, by) => stops.push(`${id} by ${by}`),
  });
  registry.watch(({ kind }) => events.push(kind));
  return { registry, notes, stops, events };
}

describe('createRegistry()', () => {
  it('hits every run with the exec id, and none by an unknown one', () => {
    const { registry } = open();
    const lives = [registry.add(runOf('a', 'e')), registry.add(runOf('b', 'e')), registry.add(runOf('c', 'f'))];
    expect(registry.stop({ execId: 'e' }, 'operator')).toBe(2);
    expect(registry.stop({ execId: 'x' }, 'operator')).toBe(0);
    expect(lives.map(({ stopSignal }) => stopSignal.aborted)).toEqual([true, true, false]);
  });

  it('keeps the first reason, and stops what is started after it was asked', () => {
    const { registry, notes, stops, events } = open();
    const live = registry.add(runOf('a'));
    registry.stop({ runId: 'a' }, 'user');
    registry.stop({ runId: 'a' }, 'operator');
    expect(live.stoppedBy).toBe('user');
    expect(stops).toEqual([]);
    expect(notes).toEqual(['a by user']);
    registry.started(live, { job, startedAtMs: 1, read: () => ({ text: '', range: [0, 0], totalBytes: 0 }) });
    expect(stops).toEqual(['j by user']);
    expect(events).toEqual(['added', 'started']);
  });

  it('stops what an earlier agent was asked to stop, as soon as it is found', () => {
    const { registry, notes, stops } = open();
    const live = registry.add(runOf('a'), 'operator');
    expect(live.stopSignal.aborted).toBe(true);
    registry.started(live, { job, startedAtMs: 1, read: () => ({ text: '', range: [0, 0], totalBytes: 0 }) });
    expect(stops).toEqual(['j by operator']);
    expect(notes).toEqual([]);
  });

  it('reports an end once and knows the run no more', () => {
    const { registry, events } = open();
    const live = registry.add(runOf('a'));
    const nothing = { text: '', isWhole: true, bytes: 0 };
    const end = { ending: { kind: 'exited', exitCode: 0 }, status: 'completed', exitCode: 0, skipped: false } as const;
    const full = { ...end, stdout: nothing, stderr: nothing, notes: [], startedAtMs: 0, endedAtMs: 0 };
    registry.ended(live, full);
    registry.ended(live, full);
    expect(events).toEqual(['added', 'ended']);
    expect(registry.get('a')).toBeUndefined();
    expect(registry.stop({ runId: 'a' }, 'user')).toBe(0);
  });
});
