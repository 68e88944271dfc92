/** What is made of a run behind its end, with a real agent on a real broker. */
import { randomUUID } from 'node:crypto';
import { readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { unfence } from '@kanade/shared/fleet-words';
import { eventually, natsServers, startNatsServer } from '@kanade/testkit';
import { describe, expect, it, onTestFinished } from 'vitest';
import { jobYaml, openSite } from './agent-process.ts';
import { commandFor, type Operator, openOperator } from './operator.ts';
import { openPerson } from './person.ts';
import { queuedResults } from './records.ts';
import { unzip } from './unzip.ts';

const fenced = (json: string): string => `printf '%s\\n' '#KANADE-CHECK-BEGIN' '${json}' '#KANADE-CHECK-END'`;

const newest = (await natsServers()).at(-1)?.path ?? '';

async function openAll() {
  const broker = await startNatsServer({ path: newest });
  onTestFinished(() => broker[Symbol.asyncDispose]());
  const operator = await openOperator(broker.url);
  const site = await openSite();
  const start = () => site.start({ args: ['--server', broker.url] });
  return { operator, broker, site, start };
}

describe('check', () => {
  it('is known to people at once, through a restart, and says why it is unknown', async () => {
    const { operator, site, start } = await openAll();
    site.putJob('fix.yaml', `${jobYaml({ id: 'fix', script: 'true' })}  show_when: { check: c0, is: [warn, fail] }\n`);
    let agent = await start();
    let person = await openPerson(site.socket);
    await person.call('state.subscribe');
    await expect(person.start('fix')).rejects.toMatchObject({
      kind: 'Unauthorized',
      message: expect.stringContaining('the check c0 has not run'),
    });
    const big = join(site.path, 'big');
    writeFileSync(big, JSON.stringify({ status: 'fail', detail: 'y'.repeat(1_000_000) }));
    const scripts: [script: string, check: object][] = [
      [fenced('{"status":"warn","detail":"9 %"}'), { status: 'warn', detail: '9 %' }],
      [`echo '{"status":"ok"}'`, { status: 'ok' }],
      ['echo no space >&2; exit 3', { status: 'unknown', detail: 'exit code 3: no space' }],
      ['kill -9 $$', { status: 'unknown', detail: 'signaled' }],
      [`echo '#KANADE-CHECK-BEGIN'; echo '{'`, { status: 'unknown', detail: 'the CHECK block has no end line' }],
      [`echo '{"status":NaN}'`, { status: 'unknown', detail: 'what was printed for CHECK is no JSON' }],
      [`cat '${big}'`, { status: 'fail', detail: expect.stringMatching(/^y{2048} …\[cut\]$/) }],
      [
        'head -c 9000000 /dev/zero | tr "\\0" "x"',
        { status: 'unknown', detail: expect.stringContaining('is over 2097152 characters') },
      ],
    ];
    const orders = scripts.map(([script], index) =>
      commandFor(script, { id: `job-${index}`, check: { name: `c${index}`, label: `C ${index}` } }),
    );
    for (const order of orders) await operator.order(`commands.pc.pc-1.${order.id}`, order);
    const [first] = await Promise.all(orders.map(({ request_id }) => operator.result(request_id)));
    // What the script printed stands in the result whole.
    expect(first).toMatchObject({ exit_code: 0, stdout: expect.stringContaining('#KANADE-CHECK-BEGIN'), stderr: '' });
    const checks = scripts.map(([, check], index) => ({ name: `c${index}`, label: `C ${index}`, ...check }));
    expect((await person.call('state.snapshot')).checks).toEqual(checks);
    await eventually('the last push', () => (person.states.at(-1)?.checks.length === checks.length ? true : undefined));
    // Each state was told because it was another.
    const told = person.states.map((state) => JSON.stringify(state));
    expect(told.filter((state, index) => state === told[index - 1])).toEqual([]);
    expect((await person.call('jobs.list')).items.map(({ id }) => id)).toEqual(['fix']);

    await person.close();
    await agent.end('SIGKILL');
    agent = await start();
    person = await openPerson(site.socket);
    expect((await person.call('state.snapshot')).checks).toEqual(checks);
    expect((await person.end(await person.start('fix'))).exit_code).toBe(0);
  });
});

describe('emit', () => {
  const event = { at: '2026-01-02T03:04:05Z', kind: 'logon', source: 'test:after' };

  it('tells each line, says what was skipped, and leaves nothing of it in the result', async () => {
    const { operator, site, start } = await openAll();
    await start();
    const lines = [
      JSON.stringify({ ...event, pc_id: 'another', payload: 1 }),
      'no event',
      '',
      JSON.stringify({ ...event, event_record_id: 'own' }),
    ];
    const path = join(site.path, 'lines');
    writeFileSync(path, lines.join('\n'));
    const good = commandFor(`cat '${path}'`, { emit: { type: 'events' } });
    const bad = commandFor(`cat '${path}'; exit 1`, { id: 'other', emit: { type: 'events' } });
    await operator.order('commands.pc.pc-1.job', good);
    await operator.order('commands.pc.pc-1.other', bad);
    const [told, kept] = await Promise.all([operator.result(good.request_id), operator.result(bad.request_id)]);
    expect(told).toMatchObject({
      exit_code: 0,
      stdout: '',
      stderr: '[kanade] emit: 1 lines are no event and were skipped (line 2: no JSON)\n',
    });
    // Of a run that failed nothing is made, and everything is left.
    expect(kept).toMatchObject({ exit_code: 1, stdout: lines.join('\n'), stderr: '' });
    const events = await eventually('the events', async () => {
      const own = (await operator.events()).filter(({ source }) => source === event.source);
      return own.length >= 2 ? own : undefined;
    });
    expect(events).toEqual([
      { ...event, pc_id: 'pc-1', event_record_id: `${told.result_id}.1`, payload: 1 },
      { ...event, pc_id: 'pc-1', event_record_id: 'own', payload: null },
    ]);
  });

  it('takes as many of 50 MB of events as one run may tell, and says how many it left out', async () => {
    const { operator, site, start } = await openAll();
    const agent = await start();
    const path = join(site.path, 'lines');
    const line = `${JSON.stringify({ ...event, payload: 'x'.repeat(150) })}\n`;
    const count = Math.ceil(50_000_000 / line.length);
    writeFileSync(path, line.repeat(count));
    const order = commandFor(`cat '${path}'`, { request_id: randomUUID(), emit: { type: 'events' } });
    await operator.order('commands.pc.pc-1.job', order);
    const result = await operator.result(order.request_id);
    expect(result.stdout).toBe('');
    expect(result.stderr).toBe(
      `[kanade] emit: ${count - 20_000} events were left out: a run may tell 20000 events, and 16777216 bytes of them\n`,
    );
    expect(agent.log()).not.toContain('"level":50');
  });
});

describe('collect', () => {
  const blocks = (...files: string[][]): string =>
    files
      .map(
        (paths) => `printf '%s\\n' '#KANADE-COLLECT-BEGIN' '${JSON.stringify({ files: paths })}' '#KANADE-COLLECT-END'`,
      )
      .join('\n');

  async function bundle(operator: Operator, key: string): Promise<Map<string, Buffer>> {
    const bytes = await (await operator.store('collections')).getBlob(key);
    return unzip(Buffer.from(bytes ?? []));
  }

  it('brings each bundle into the store before the result, and says what was left out', async () => {
    const { operator, site, start } = await openAll();
    await start();
    writeFileSync(join(site.path, 'one'), 'one');
    writeFileSync(join(site.path, 'two'), 'two');
    symlinkSync('/etc/shadow', join(site.path, 'link'));
    const paths = [[join(site.path, 'one'), join(site.path, 'link')], [join(site.path, 't*')]];
    const collect = { name: 'logs', max_size: '1MB' };
    const good = commandFor(blocks(...paths), { id: 'good', collect });
    const none = commandFor('echo "[]"', { id: 'none', collect });
    const bad = commandFor(`${blocks(...paths)}; exit 1`, { id: 'bad', collect });
    for (const order of [good, none, bad]) await operator.order(`commands.pc.pc-1.${order.id}`, order);
    const [made, nothing, failed] = await Promise.all(
      [good, none, bad].map(({ request_id }) => operator.result(request_id)),
    );
    const key = made?.collect_object ?? '';
    expect(key).toMatch(/^pc-1\/good\/\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}Z-[0-9a-f]{8}\.zip$/);
    expect(made?.stderr).toBe(`[kanade] collect: ${site.path}/link: a link is not followed\n`);
    expect([...(await bundle(operator, key))].map(([name, bytes]) => [name, String(bytes)])).toEqual([
      [join(site.path, 'one').slice(1), 'one'],
    ]);
    expect([...(await bundle(operator, key.replace('.zip', '-2.zip'))).keys()]).toEqual([
      join(site.path, 'two').slice(1),
    ]);
    expect(nothing).toMatchObject({
      exit_code: 0,
      stderr: '[kanade] collect: what was printed for COLLECT is no JSON object\n',
    });
    expect(nothing).not.toHaveProperty('collect_object');
    expect(failed).toMatchObject({ exit_code: 1, stderr: '' });
    expect(failed).not.toHaveProperty('collect_object');
    expect(readdirSync(join(site.data, 'collected'))).toEqual([]);
  });

  it('keeps a bundle on disk while the broker is away, and brings it there before its result', async () => {
    const { operator, broker, site, start } = await openAll();
    const agent = await start();
    site.putJob('c.yaml', `${jobYaml({ id: 'c', script: blocks([join(site.path, 'one')]) })}collect: { name: logs }\n`);
    writeFileSync(join(site.path, 'one'), 'one');
    const person = await openPerson(site.socket);
    await broker.stop();
    await eventually('the broker to be away', async () =>
      (await person.call('state.snapshot')).online ? undefined : true,
    );
    const { exit_code } = await person.end(await person.start('c'));
    expect(exit_code).toBe(0);
    const [queued] = queuedResults(site.data);
    expect(queued?.collect_object).toMatch(/^pc-1\/c\//);
    expect(readdirSync(join(site.data, 'collected'))).toEqual([`${queued?.result_id}-1.zip`]);
    expect(statSync(join(site.data, 'collected', `${queued?.result_id}-1.zip`)).mode & 0o777).toBe(0o600);
    // Neither does the end of the agent lose it.
    await agent.end('SIGKILL');
    await broker.restart();
    await start();
    const result = await operator.result(queued?.request_id ?? '');
    expect(result.collect_object).toBe(queued?.collect_object);
    expect([...(await bundle(operator, result.collect_object ?? '')).values()].map(String)).toEqual(['one']);
    await eventually('the file to go', () => readdirSync(join(site.data, 'collected')).length === 0 || undefined);
  });
});

it('what is printed for others arrives whole', async () => {
  const { operator, site, start } = await openAll();
  await start();
  const path = join(site.path, 'facts');
  const facts = JSON.stringify({ programs: Array.from({ length: 100_000 }, (_, nth) => `program ${nth} ä`) });
  const text = `noise\n#KANADE-INVENTORY-BEGIN\n${facts}\n#KANADE-INVENTORY-END\n#KANADE-FEED-BEGIN\n{}\n#KANADE-FEED-END\n`;
  writeFileSync(path, text);
  const order = commandFor(`cat '${path}'`, { check: { name: 'c' } });
  await operator.order('commands.pc.pc-1.job', order);
  const [result] = await operator.followed(order.request_id, 1);
  expect(result?.stdout === text).toBe(true);
  const [found] = await unfence('INVENTORY', [result?.stdout ?? ''], { charsMax: 8_000_000, blocksMax: 1 });
  expect(found?.found === 'fenced' && found.text === `${facts}\n`).toBe(true);
});
