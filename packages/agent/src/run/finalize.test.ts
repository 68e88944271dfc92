import { describe, expect, it } from 'vitest';
import { limits } from '../limits.ts';
import { finalizersOf } from './finalize.ts';
import type { Bundle, JobOutcome, Run } from './model.ts';

const finalize = { shell: 'sh', script: 'true', timeout_secs: 1 } as const;
const runWith = (more: Partial<Run['command']>): Run => ({
  runId: 'r',
  pcId: 'pc-1',
  requestId: 'q',
  execId: 'e',
  origin: 'fleet',
  owner: 'somebody',
  command: {
    id: 'job',
    version: '2',
    request_id: 'q',
    exec_id: 'e',
    shell: 'sh',
    script: 'x',
    timeout_secs: 9,
    ...more,
  },
});
const ended = (exitCode: number) =>
  ({ kind: 'job', state: { ending: { kind: 'exited', exitCode } } }) as unknown as JobOutcome;
const bundle = (key: string, uploaded = true): Bundle => ({ key, uploaded, files: [`/${key}`] });
const toldOf = ({ env }: Run): unknown => JSON.parse(env?.KANADE_COLLECT_RESULT ?? 'null');

describe('finalizersOf()', () => {
  it('makes a run of its own, with nothing of its order but what the step says', () => {
    const hostile = { ...finalize, id: 'other', finalize, retry: { max: 1, backoff_secs: 0 } };
    const [run, ...more] = finalizersOf(
      runWith({ finalize: hostile, retry: { max: 1, backoff_secs: 0 } }),
      ended(0),
      undefined,
    );
    expect(more).toEqual([]);
    expect(run).toEqual({
      ...{
        runId: expect.stringMatching(/^[0-9a-f-]{36}$/),
        pcId: 'pc-1',
        requestId: 'q',
        execId: 'e',
        origin: 'fleet',
      },
      ...{ owner: null, parentId: 'r', env: {} },
      command: {
        ...{ id: 'job__finalize', version: '2', request_id: 'q', exec_id: 'e', run_as: 'system', cwd: undefined },
        ...finalize,
      },
    });
  });

  it.each([1, -1, 121])('makes none after exit code %s', (code) => {
    expect(finalizersOf(runWith({ finalize }), ended(code), undefined)).toEqual([]);
  });

  it('tells it what was collected, or each what is in its bundle', () => {
    const aftermath = { notes: [], bundles: [bundle('a'), bundle('b', false)] };
    const collect = { name: 'logs' };
    const [all] = finalizersOf(runWith({ collect, finalize }), ended(0), aftermath);
    expect(all && toldOf(all)).toEqual({ ok: false, bundles: aftermath.bundles });
    const each = finalizersOf(
      runWith({ collect, finalize: { ...finalize, on_each_bundle: true } }),
      ended(0),
      aftermath,
    );
    expect(each.map(toldOf)).toEqual([
      { ok: true, bundles: [aftermath.bundles[0]] },
      { ok: false, bundles: [aftermath.bundles[1]] },
    ]);
    const [nothing] = finalizersOf(runWith({ collect, finalize }), ended(0), { notes: [], bundles: [] });
    expect(nothing && toldOf(nothing)).toEqual({ ok: false, bundles: [] });
  });

  it('counts the files where their names are more than a variable holds', () => {
    const files = Array.from({ length: 2_000 }, (_, index) => `/${'x'.repeat(100)}/${index}`);
    const aftermath = { notes: [], bundles: [{ key: 'a', uploaded: true, files }] };
    const [run] = finalizersOf(runWith({ collect: { name: 'logs' }, finalize }), ended(0), aftermath);
    expect(run?.env?.KANADE_COLLECT_RESULT?.length).toBeLessThan(limits.collectResultBytesMax);
    expect(run && toldOf(run)).toEqual({
      ok: true,
      bundles: [{ key: 'a', uploaded: true, files: [], files_left_out: 2_000 }],
    });
  });
});
