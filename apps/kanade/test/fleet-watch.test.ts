/** Watching what machines print: one broker, two agents, and an operator who loses and repeats nothing. */
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { eventually, natsServers } from '@kanade/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FleetSite, openFleetSite } from './fleet-site.ts';

interface Line {
  readonly type: string;
  readonly pc_id: string;
  readonly run_id: string;
  readonly stream: 'stdout' | 'stderr';
  readonly from: number;
  readonly to: number;
  readonly text: string;
}

const linesOf = (text: string): Line[] =>
  text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Line);

/** The stream of one machine, put together; throws where a byte is missing or told twice. */
function joined(lines: readonly Line[], stream: Line['stream'], pc = 'pc-1'): string {
  let [at, text] = [0, ''];
  for (const line of lines) {
    if (line.type !== 'output' || line.stream !== stream || line.pc_id !== pc) continue;
    if (line.from !== at) throw new Error(`${stream} of ${pc} goes on at ${line.from} behind ${at}`);
    at = line.to;
    text += line.text;
  }
  return text;
}

// The library's own suites run on both servers; one is enough to see that the commands are wired to it.
const servers = (await natsServers()).slice(-1);

describe.each(servers)('watching runs on nats-server $version', ({ path }) => {
  let site: FleetSite;
  beforeAll(async () => {
    site = await openFleetSite(path);
  });
  afterAll(() => site[Symbol.asyncDispose]());

  it('a follower loses and repeats nothing while agent and broker restart, and ends with the run', async () => {
    const { dir, broker } = site;
    const text =
      'i=0; while [ ! -e STOP ]; do i=$((i+1)); echo "zeile $i ü"; echo "err $i" >&2; sleep 0.01; done; printf \'\\377é\'';
    await site.put('chatty', text.replace('STOP', `${dir}/stop`));
    const { exec_id } = await site.fleet('exec', 'chatty', '--pc', 'pc-1');
    const id = String(exec_id);
    const follower = site.begin({}, 'tail', id, '--follow', '--from-start');
    const outputs = () => linesOf(follower.text.stdout.slice(0, follower.text.stdout.lastIndexOf('\n') + 1)).length;
    const more = async (what: string): Promise<void> => {
      const before = outputs();
      await eventually(`output comes ${what}`, () => outputs() > before + 3);
    };
    await more('at first');
    await site.endMachine('pc-1');
    await site.startMachine('pc-1');
    await more('from the next agent');
    await site.killMachine('pc-1');
    await site.startMachine('pc-1');
    await more('from the one after that was killed');
    await broker.restart();
    await more('through the next broker');
    writeFileSync(`${dir}/stop`, '');
    const { status, stdout } = await follower.ended;
    const lines = linesOf(stdout);
    expect(status).toBe(0);
    expect(lines.at(-1)).toMatchObject({ type: 'ended', pc_id: 'pc-1', status: 'completed', exit_code: 0, kept: true });
    const result = await eventually('the result is there', async () => {
      const { results } = await site.fleet('results', id, '--output');
      return (results as { stdout: string; stderr: string }[])[0];
    });
    expect({ stdout: joined(lines, 'stdout'), stderr: joined(lines, 'stderr') }).toEqual({
      stdout: result.stdout,
      stderr: result.stderr,
    });
    expect(result.stdout.endsWith('\n\ufffdé')).toBe(true);
    const runId = String(lines[0]?.run_id);
    // By its run id alone, later, and in one answer.
    const tail = await site.fleet('tail', runId);
    expect(tail).toMatchObject({
      type: 'fleet.tail',
      runs: [{ pc_id: 'pc-1', run_id: runId, state: 'ended', exit_code: 0 }],
    });
    const [{ stdout: end = '' } = {}] = tail.runs as { stdout?: string }[];
    expect(result.stdout.endsWith(end) && end.length > 0).toBe(true);
  });

  it('shows several machines line by line, and an order to a group beside its answer', async () => {
    const { dir } = site;
    await site.put('slow', `echo begin; until [ -e ${dir}/go ]; do sleep 0.02; done; echo oops >&2; printf end`);
    const { exec_id } = await site.fleet('exec', 'slow', '--pc', 'pc-1,pc-2');
    const follower = site.begin({}, 'tail', String(exec_id), '--follow', '--human');
    await eventually(
      'both have begun',
      () => /pc-1 \| begin\n/.test(follower.text.stdout) && /pc-2 \| begin\n/.test(follower.text.stdout),
    );
    expect(await site.fleet('group', 'add', 'lab', 'pc-2')).toMatchObject({ ok: true, added: ['pc-2'] });
    const exec = site.begin({}, 'exec', 'slow', '--group', 'lab', '--wait', '--follow');
    await eventually('its output is shown while it runs', () => exec.text.stderr.includes('pc-2 | begin\n'));
    expect(exec.text.stdout).toBe('');
    writeFileSync(`${dir}/go`, '');
    const both = await follower.ended;
    expect(both.stdout.split('\n').sort()).toEqual(['', 'pc-1 | begin', 'pc-1 | end', 'pc-2 | begin', 'pc-2 | end']);
    // It may have asked before the machines had come to the order, and then says so first.
    const said = ['pc-1 | oops', 'pc-2 | oops', ...['pc-1', 'pc-2'].map((pc) => `${pc}: completed, exit code 0`)];
    expect(both.stderr.split('\n')).toEqual(expect.arrayContaining(said));
    const one = await exec.ended;
    expect(JSON.parse(one.stdout)).toMatchObject({ ok: true, results: [{ pc_id: 'pc-2', stdout: 'begin\nend' }] });
    expect(one.stderr.split('\n')).toEqual(expect.arrayContaining(['pc-2 | oops', 'pc-2 | end']));
  });

  it('shows the log of an agent, and follows it', async () => {
    const { ok, type, lines } = await site.fleet('logs', 'pc-1', '--lines', '2');
    expect({ ok, type }).toEqual({ ok: true, type: 'fleet.logs' });
    expect((lines as string[]).map((line) => typeof JSON.parse(line).msg)).toEqual(['string', 'string']);
    const follower = site.begin({}, 'logs', 'pc-1', '--lines', '1', '--follow', '--human');
    await eventually('it shows the last line', () => follower.text.stdout.includes('\n'));
    await site.put('noted', 'true');
    await site.fleet('exec', 'noted', '--pc', 'pc-1', '--wait');
    await eventually('it shows a new line', () =>
      /^\S+Z {2}info {3}run ended {2}\{"run_id":/m.test(follower.text.stdout),
    );
    follower.child.kill('SIGINT');
    expect((await follower.ended).status).toBe(0);
    expect(await site.fleet('logs', 'pc-9')).toMatchObject({ status: 1, error: { code: 'no_answer' } });
    expect(await site.begin({}, 'logs', 'pc-1', '--lines', '99999').ended).toMatchObject({ status: 2 });
  });

  it('says what it cannot show, and why', async () => {
    await site.put('quick', 'echo quick');
    const { exec_id } = await site.fleet('exec', 'quick', '--pc', 'pc-2', '--wait');
    const id = String(exec_id);
    expect(await site.fleet('tail', 'nobody')).toMatchObject({ status: 1, error: { code: 'run_not_found' } });
    expect(await site.fleet('tail', 'nobody', '--pc', 'pc-1')).toMatchObject({
      status: 1,
      error: { code: 'run_not_found' },
    });
    expect(await site.fleet('tail', id, '--pc', 'pc-9')).toMatchObject({ status: 1, error: { code: 'no_answer' } });
    const jobs = `${site.dir}/pc-2/jobs`;
    for (const name of readdirSync(jobs)) rmSync(`${jobs}/${name}`, { recursive: true });
    expect(await site.fleet('tail', id)).toMatchObject({ ok: true, runs: [{ state: 'ended', kept: false }] });
    const told = await site.begin({}, 'tail', id, '--follow', '--human').ended;
    expect(told).toEqual({
      ...{ status: 0, stdout: '' },
      stderr: `pc-2: completed, exit code 0; nothing of its output is kept there, its result has it: kanade fleet results ${id} --output\n`,
    });
    await site.endMachine('pc-2');
    // Its result has come, so nobody waits for a machine that is away.
    expect((await site.begin({}, 'tail', id, '--follow').ended).stdout).toBe(
      '{"type":"waiting","pc_id":"pc-2","why":"no_answer"}\n',
    );
    expect(await site.fleet('tail', id)).toMatchObject({ status: 1, error: { code: 'no_answer' } });
  });
});
