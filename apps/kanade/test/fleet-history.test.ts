/** The past of a fleet, from the far end: results by many questions, one run with all that is known of it. One broker and one agent. */
import { readFileSync, statSync } from 'node:fs';
import { userInfo } from 'node:os';
import { eventually, natsServers } from '@kanade/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FleetSite, openFleetSite } from './fleet-site.ts';

// The library's own suites run on both servers; one is enough to see that the commands are wired to it.
const servers = (await natsServers()).slice(-1);

interface Row {
  readonly job_id: string;
  readonly result_id: string;
  readonly sequence: number;
  readonly started_at: string;
}

/** More than a message carries. */
const lines = 20_000;
const long = `seq -f "line %06.0f of a long output" ${lines}; printf '\\033[2J' >&2`;

describe.each(servers)('the past of a fleet on nats-server $version', ({ path }) => {
  let site: FleetSite;
  const rows = async (...args: string[]): Promise<Row[]> => (await site.fleet('results', ...args)).results as Row[];
  const jobs = async (...args: string[]): Promise<string[]> => (await rows(...args)).map(({ job_id }) => job_id);
  beforeAll(async () => {
    site = await openFleetSite(path, ['pc-1']);
    for (const [id, script] of [
      ['good', 'echo good'],
      ['bad', 'echo "=1+1"; exit 7'],
      ['long', long],
    ] as const) {
      await site.put(id, script);
      await site.fleet('exec', id, '--pc', 'pc-1', '--wait');
    }
  });
  afterAll(() => site[Symbol.asyncDispose]());

  it('is asked by job, machine, time and ending, and told in parts', async () => {
    expect(await jobs()).toEqual(['long', 'bad', 'good']);
    expect(await jobs('--failed', '--since', '1h')).toEqual(['bad']);
    expect(await jobs('good')).toEqual(['good']);
    expect(await jobs('--job', 'good', '--pc', 'pc-1,pc-9')).toEqual(['good']);
    expect(await jobs('--until', '1h')).toEqual([]);
    expect(await jobs('--ending', 'timed_out,lost')).toEqual([]);
    const first = await site.fleet('results', '--limit', '2');
    expect(first).toMatchObject({ complete: false, results: [{ job_id: 'long' }, { job_id: 'bad' }] });
    expect(await site.fleet('results', '--before', String(first.before))).toMatchObject({
      ...{ complete: true, results: [{ job_id: 'good', verdict: 'succeeded', ending: 'exited', exit_code: 0 }] },
    });
    expect(await site.fleet('results', '..')).toMatchObject({ status: 1, error: { code: 'invalid_id' } });
  });

  it('is a table for other programs, which takes nothing for a formula', async () => {
    const { stdout, stderr } = await site.begin({}, 'results', '--failed', '--csv', '--output').ended;
    const [row] = await rows('--failed');
    const [head, cells, ...rest] = stdout.split('\r\n');
    expect({ head, rest, stderr }).toEqual({
      head: 'result_id,parent_result_id,exec_id,job_id,pc_id,state,verdict,ending,exit_code,started_at,finished_at,duration_ms,collect_object,sequence,stdout,stderr',
      ...{ rest: [''], stderr: '' },
    });
    expect(cells).toMatch(
      /^[0-9a-f-]{36},,[0-9a-f-]{36},bad,pc-1,,failed,exited,7,20[^,]*Z,20[^,]*Z,\d+,,\d+,"'=1\+1\n",$/,
    );
    expect(cells).toContain(row?.started_at);
    const people = await site.begin({}, 'results', '--failed', '--human').ended;
    expect(people.stdout).toMatch(/^machine +job +ended +took +started +order +result\npc-1 +bad +✗ exited 7 .*\n/);
  });

  it('one run is shown with its order, its stop and all that it printed', async () => {
    const gate = await site.putGated('stopped');
    const { exec_id } = await site.fleet('exec', 'stopped', '--pc', 'pc-1');
    await eventually('it has begun', () => gate.begun() === 1);
    const running = await eventually('it is told as running', async () => {
      const answer = await site.fleet('results', '--ending', 'running');
      return (answer.running as Row[])[0];
    });
    expect(running).toMatchObject({ job_id: 'stopped', exec_id, pc_id: 'pc-1', state: 'running' });
    expect(await site.fleet('show', running.result_id)).toMatchObject({
      ...{ type: 'fleet.show', state: 'running', order: { user: userInfo().username } },
    });
    await site.fleet('kill', String(exec_id), '--timeout', '60');
    await eventually('its result is there', async () => (await jobs('stopped')).length === 1);
    expect(await site.fleet('results', '--ending', 'running')).toMatchObject({ running: [], complete: true });
    expect(await site.fleet('show', running.result_id)).toMatchObject({
      ...{ ok: true, job_id: 'stopped', version: '1.0.0', verdict: 'failed', ending: 'killed' },
      stop: { mechanism: expect.stringMatching(/group$/), survivors: [] },
      order: { user: userInfo().username, action: 'exec', targets: [{ kind: 'pc', pc: 'pc-1' }] },
      stderr: expect.stringContaining(`killed by remote signal (kill.${exec_id})`),
    });
    expect(await site.fleet('show', 'nobody')).toMatchObject({ status: 1, error: { code: 'run_not_found' } });
  });

  it('output that is longer than a message is printed whole, in each form, and written byte for byte', async () => {
    const [{ result_id } = { result_id: '' }] = await rows('long');
    const wanted = Array.from(
      { length: lines },
      (_, at) => `line ${String(at + 1).padStart(6, '0')} of a long output\n`,
    );
    const { stdout, stderr, stdout_object } = await site.fleet('show', result_id);
    expect([stdout === wanted.join(''), stderr, typeof stdout_object]).toEqual([true, '\u001b[2J', 'string']);
    const people = (await site.begin({}, 'show', result_id, '--human').ended).stdout;
    expect(people).toMatch(/^✓ long on pc-1: exited 0.*\n/);
    expect(people.includes(`--- stdout\n${wanted.join('')}--- stderr\n\u001b[2J\n`)).toBe(true);
    const file = `${site.dir}/stdout.log`;
    expect(await site.fleet('show', result_id, '--stdout', file)).toMatchObject({
      ...{ stdout_file: file, stdout_bytes: wanted.join('').length, stderr: '\u001b[2J' },
    });
    expect([readFileSync(file, 'utf8') === wanted.join(''), statSync(file).mode & 0o777]).toEqual([true, 0o600]);
    const again = await site.fleet('show', result_id, '--stdout', file);
    expect(again).toMatchObject({ status: 1, error: { code: 'file_exists' } });
    expect(await site.fleet('show', result_id, '--no-output')).not.toHaveProperty('stdout');
  });
});
