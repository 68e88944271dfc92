import { describe, expect, it } from 'vitest';
import { humanOf } from './human.ts';

const said = (answer: object): string => humanOf({ schema_version: '0.1', ok: true, ...answer }, { colourful: false });
const first = (answer: object): string => said(answer).split('\n')[0] ?? '';

const result = (more: object) => ({
  pc_id: 'pc-1',
  exit_code: 0,
  ending: 'exited',
  stdout: '',
  stderr: '',
  started_at: '2026-01-05T10:00:00.000Z',
  finished_at: '2026-01-05T10:00:01.500Z',
  ...more,
});
const order = { type: 'fleet.exec', job_id: 'update', version: '1.0.0', exec_id: 'e', subjects: ['commands.all'] };

describe('the sentence', () => {
  it.each([
    [{ type: 'run', state: 'exited', exit_code: 0, ending: 'exited', duration_ms: 3_210 }, '✓ exited 0 after 3.2 s'],
    [
      { type: 'run', state: 'exited', exit_code: 2, ending: 'exited', duration_ms: 125_000 },
      '✗ exited 2 after 2 min 5 s',
    ],
    [{ type: 'run', state: 'exited', exit_code: 0, ending: 'timed_out', duration_ms: 45 }, '✗ timed out after 45 ms'],
    [
      { type: 'run', state: 'failed', ending: 'lost', error: 'the machine was started anew' },
      '✗ lost: the machine was started anew',
    ],
    [{ type: 'run', state: 'running', waited_ms: 10_003 }, '● running after 10.0 s'],
    [
      {
        type: 'status',
        state: 'exited',
        exit_code: 0,
        started_at: '2026-01-05T10:00:00Z',
        finished_at: '2026-01-05T12:30:00Z',
      },
      '✓ exited 0 after 2 h 30 min',
    ],
    [{ type: 'kill', signal: 'USR1', state: 'running', mechanism: 'signal' }, '● still running after USR1'],
    [{ type: 'delete', deleted: 1, failed: 2, jobs: [] }, '✗ 2 jobs could not be deleted; 1 were'],
    [{ type: 'gc', deleted: 3, failed: 0, freed_bytes: 2048, dry_run: false }, '✓ deleted 3 jobs, 2.0 KiB'],
    [order, '● ordered update 1.0.0; machines that are away run it when they come back'],
    [{ ...order, results: [result({})] }, '✓ update 1.0.0 on pc-1: exited 0 after 1.5 s'],
    [
      { ...order, results: [result({ exit_code: -1, ending: 'killed' })] },
      '✗ update 1.0.0 on pc-1: killed after 1.5 s',
    ],
    [
      { ...order, results: [result({ exit_code: 121, ending: 'lost' })] },
      '✗ update 1.0.0 on pc-1: lost: nobody knows how it ended',
    ],
    [{ ...order, results: [result({}), result({ pc_id: 'pc-2' })] }, '✓ update 1.0.0 exited 0 on 2 machines'],
    [{ ...order, results: [result({}), result({ exit_code: 1 })] }, '✗ update 1.0.0 failed on 1 of 2 machines'],
    [
      { ...order, results: [result({})], missing: [{ pc_id: 'pc-2', state: 'away' }] },
      '● update 1.0.0 exited 0 on 1 machine; one has not answered',
    ],
    [{ type: 'fleet.kill', exec_id: 'e', stopped: [], ended_before: 2 }, 'had ended before on 2 machines'],
    [{ type: 'fleet.cancel', job_id: 'a', count: 0 }, 'nothing of the order of a waits any more'],
    [{ type: 'fleet.results', results: [], complete: false }, '0 results, there may be more'],
    [
      { type: 'outbox.count', ready: { records: 2, bytes: 9 }, quarantined: { records: 1, bytes: 9 } },
      '✗ 2 records to deliver, 1 in quarantine, 0 lost',
    ],
    [{ type: 'outbox.list', records: [] }, '0 records'],
    [{ type: 'fleet.job.list', jobs: [] }, 'no jobs in the catalogue'],
    [
      { type: 'fleet.agent.current', agents: [], behind: 0, wanted: [] },
      '● no machine was heard; no version is wanted',
    ],
    [
      {
        ...{ type: 'fleet.agent.current', agents: [{ pc_id: 'pc-1' }, { pc_id: 'pc-2' }], behind: 1 },
        wanted: ['global', 'groups.lab', 'pcs.pc-1'].map((scope) => ({ scope, target_version: '1.4.0' })),
      },
      '● 1 of 2 machines do not run what is wanted; wanted: 1.4.0 by all machines, 1.4.0 by machines in lab, 1.4.0 by pc-1',
    ],
    [{ type: 'list', root: '/r', jobs: [] }, 'no jobs'],
  ])('of %j', (answer, sentence) => {
    expect(first(answer)).toBe(sentence);
  });

  it('of a tree of jobs counts those that wait, too', () => {
    const leaf = { short_job_id: 'a' };
    const tree = [{ ...leaf, dependents: [{ ...leaf, dependents: [leaf] }, leaf] }, leaf];
    expect(said({ type: 'list', root: '/r', jobs: tree })).toMatch(/\n5 jobs\s*$/);
  });

  it('of an error is its message, with code, faults and details below', () => {
    const details = { file: 'a.yaml', faults: [{ line: 7, path: 'colour', message: 'unknown key' }] };
    const error = { code: 'manifest_invalid', message: 'a.yaml: 1 fault', retryable: false, details };
    expect(humanOf({ ok: false, type: 'error', error }, { colourful: false })).toBe(
      '✗ a.yaml: 1 fault\n  line 7: colour unknown key\ncode  manifest_invalid\nfile  a.yaml\n',
    );
  });
});

describe('tables', () => {
  it('of a fleet show each machine, then what each has printed', () => {
    const results = [result({ stdout: 'hello' }), result({ pc_id: 'pc-22', exit_code: 3, stderr: 'no\n' })];
    const [, ...lines] = said({ ...order, results }).split('\n');
    expect(lines.slice(0, 3).map((line) => line.split(/ {2,}/))).toEqual([
      ['machine', 'ended', 'took'],
      ['pc-1', '✓ exited 0', '1.5 s'],
      ['pc-22', '✗ exited 3', '1.5 s'],
    ]);
    expect(lines.join('\n')).toContain('--- pc-1 stdout\nhello\n--- pc-22 stderr\nno\n');
  });

  it('of an order name the machines that have not answered below those that have', () => {
    const missing = ['away', 'online', 'unknown'].map((state) => ({ pc_id: state, state }));
    const [, head, ...lines] = said({ ...order, results: [result({})], missing }).split('\n');
    expect([head, ...lines.slice(0, 4)].map((line) => line?.split(/ {2,}/))).toEqual([
      ['machine', 'ended', 'took'],
      ['pc-1', '✓ exited 0', '1.5 s'],
      ['away', 'away'],
      ['online', 'has not answered'],
      ['unknown', 'not heard of'],
    ]);
  });

  it('align characters that fill two columns, and leave out columns that nobody needs', () => {
    const jobs = [
      { id: '更新', version: '1', tags: [], description: 'a' },
      { id: 'ab', version: '22', tags: [], description: 'b' },
    ];
    expect(said({ type: 'fleet.job.list', jobs })).toBe(
      'id    version  description\n更新  1        a\nab    22       b\n\n2 jobs\n',
    );
  });

  it('show the load of the machines that told theirs', () => {
    const host_perf = { cpu_pct: 12.4, mem_used_bytes: 3 * 1024 ** 3, mem_total_bytes: 8 * 1024 ** 3 };
    const agents = [{ pc_id: 'pc-1', host_perf }, { pc_id: 'pc-2', host_perf: { cpu_pct: 'x' } }, { pc_id: 'pc-3' }];
    expect(said({ type: 'fleet.agents', agents, listened_ms: 5 })).toContain(
      'pc-1     12 %  3.0 of 8.0 GiB\npc-2\npc-3\n',
    );
  });

  it('cannot be painted by what stands in them', () => {
    expect(said({ type: 'fleet.agents', agents: [{ pc_id: '\x1b[31mx\n' }], listened_ms: 5 })).toContain(
      '\\u001b[31mx\\n',
    );
  });
});

it('colours only when asked to', () => {
  const answer = { ok: true, type: 'run', state: 'exited', exit_code: 1, ending: 'exited' };
  expect(humanOf(answer, { colourful: true })).toContain('\x1b[31m✗ exited 1\x1b[0m');
  expect(humanOf(answer, { colourful: false })).not.toContain('\x1b');
});

describe('what other machines printed', () => {
  const answer = { ...order, results: [result({ stdout: 'a\u001b[2J\tb\r\n\u009b31m' })] };
  it('does not paint a terminal', () => {
    const text = humanOf({ ok: true, ...answer }, { colourful: true, isScreen: true });
    expect(text).toContain('a\\u001b[2J\tb\n?31m\n');
  });

  it('stays as it is elsewhere', () => {
    expect(said(answer)).toContain('a\u001b[2J\tb\r\n\u009b31m\n');
  });
});
