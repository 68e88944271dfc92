/** Long output whose result waits: it stays in the files of its job, whatever becomes of those, of the agent and of the broker. */
import { readdirSync, rmSync, statSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspectOutbox, openOutbox } from '@kanade/outbox';
import { type ExecResult, outputKey } from '@kanade/shared/fleet';
import { eventually, natsServers, newestNatsServer, startNatsServer } from '@kanade/testkit';
import { describe, expect, it, onTestFinished } from 'vitest';
import { jobYaml, openSite, type Site } from './agent-process.ts';
import { commandFor, type Operator, openOperator } from './operator.ts';
import { openPerson } from './person.ts';
import { queuedResults } from './records.ts';

const newest = await newestNatsServer();

async function openBroker(path = newest.path) {
  const broker = await startNatsServer({ path });
  onTestFinished(() => broker[Symbol.asyncDispose]());
  return { broker, operator: await openOperator(broker.url) };
}

/** Clicks on jobs of these scripts while there is no broker; resolves with their result ids when all have ended. */
async function endWithoutBroker(
  site: Site,
  scripts: Readonly<Record<string, string>>,
): Promise<Record<string, string>> {
  for (const [id, script] of Object.entries(scripts)) site.putJob(`${id}.yaml`, jobYaml({ id, script }));
  const agent = await site.start();
  const person = await openPerson(site.socket);
  const ids: Record<string, string> = {};
  for (const id of Object.keys(scripts)) {
    ids[id] = await person.start(id);
    await person.end(ids[id]);
  }
  await person.close();
  await agent.end('SIGKILL');
  return ids;
}

/** The results of runs, when all are there: each once. */
const resultsOf = (operator: Operator, ids: readonly string[]): Promise<ExecResult[]> =>
  eventually('the results', async () => {
    const told = await operator.results();
    expect(new Set(told.map(({ result_id }) => result_id)).size).toBe(told.length);
    const own = ids.map((id) => told.find(({ result_id }) => result_id === id));
    return own.every((one) => one !== undefined) ? own : undefined;
  });

async function objectOf(operator: Operator, key: string | undefined): Promise<string | undefined> {
  const bytes = key === undefined ? null : await (await operator.store('result_output')).getBlob(key);
  return bytes === null ? undefined : Buffer.from(bytes).toString('utf8');
}

/** The directory of the job that printed so many bytes. */
function jobDirOf(site: Site, bytes: number): string {
  const jobs = join(site.data, 'jobs');
  const found = readdirSync(jobs)
    .filter((name) => !name.startsWith('.'))
    .find((name) => statSync(join(jobs, name, 'stdout.log')).size === bytes);
  if (found === undefined) throw new Error(`no job printed ${bytes} bytes`);
  return join(jobs, found);
}

const printed = (bytes: number, more = ''): string => `yes | head -c ${bytes}${more}`;
const text = (bytes: number): string => 'y\n'.repeat(bytes / 2);

describe.each(await natsServers())('long output that waits, with nats-server $version', ({ path }) => {
  it('outlives SIGKILL of the agent between the end of its run and the delivery, and arrives once', async () => {
    const { broker, operator } = await openBroker(path);
    const site = await openSite();
    const args = ['--server', broker.url];
    const agent = await site.start({ args });
    const go = join(site.path, 'go');
    const command = commandFor(
      `until [ -e '${go}' ]; do sleep 0.02; done; ${printed(3_000_000)}; echo bad >&2; exit 3`,
    );
    await operator.order('commands.pc.pc-1.job', command);
    await operator.started(command.request_id);
    broker.freeze();
    writeFileSync(go, '');
    await eventually('the result to wait', () => queuedResults(site.data).length === 1);
    await agent.end('SIGKILL');
    broker.thaw();
    // Killed on the way, too: what is there already is not stored twice.
    const second = await site.start({ args });
    await second.end('SIGKILL');
    await site.start({ args });
    const result = await operator.result(command.request_id);
    expect(result).toMatchObject({ exit_code: 3, ending: 'exited', stdout: '', stderr: 'bad\n' });
    expect(await objectOf(operator, result.stdout_object)).toBe(text(3_000_000));
  });
});

it('goes with a note where its files went, were cut or cannot be read; its record is small', async () => {
  const site = await openSite();
  const ids = await endWithoutBroker(site, {
    whole: printed(500_000, '; yes | head -c 400000 >&2; kill -9 $$'),
    gone: printed(600_000, '; exit 4'),
    cut: printed(700_000),
    swapped: printed(800_000),
  });
  {
    using outbox = inspectOutbox({ path: join(site.data, 'agent.db') });
    expect((await outbox.count()).ready.bytes).toBeLessThan(16_000);
  }
  rmSync(jobDirOf(site, 600_000), { recursive: true });
  truncateSync(join(jobDirOf(site, 700_000), 'stdout.log'), 300_001);
  const swapped = join(jobDirOf(site, 800_000), 'stdout.log');
  rmSync(swapped);
  // Whatever leads elsewhere is not followed.
  symlinkSync('/etc/hostname', swapped);

  const { broker, operator } = await openBroker();
  await site.start({ args: ['--server', broker.url] });
  const names = ['whole', 'gone', 'cut', 'swapped'];
  const [whole, gone, cut, other] = await resultsOf(
    operator,
    names.map((name) => ids[name] ?? ''),
  );
  expect(whole).toMatchObject({ stdout: '', stderr: '', stdout_object: outputKey(ids.whole ?? '', 'stdout') });
  expect(await objectOf(operator, whole?.stdout_object)).toBe(text(500_000));
  expect(await objectOf(operator, whole?.stderr_object)).toBe(`${text(400_000)}[KLP] [agent: ended by signal 9]\n`);
  const left = '[kanade] output left out: 600000 bytes were written, and the machine has them no more\n';
  expect(gone).toMatchObject({ exit_code: 4, stdout: left });
  expect(gone).not.toHaveProperty('stdout_object');
  const short = '[kanade] output cannot be read: its files hold 300001 of 700000 bytes\n';
  expect(await objectOf(operator, cut?.stdout_object)).toBe(`${text(300_000)}y\n${short}`);
  expect(await objectOf(operator, other?.stdout_object)).toMatch(/^\[kanade\] output cannot be read: .*ELOOP/);
});

it('of an older agent, whole in its record, is delivered as ever', async () => {
  const site = await openSite();
  await (await site.start()).end();
  const times = { started_at: '2026-01-02T03:04:05Z', finished_at: '2026-01-02T03:04:06Z' };
  const old = { result_id: 'old-1', request_id: 'q-1', pc_id: 'pc-1', exit_code: 0, ...times };
  {
    await using outbox = openOutbox({ path: join(site.data, 'agent.db'), as: 'guest' });
    const body = Buffer.from(JSON.stringify({ ...old, stdout: text(600_000), stderr: 'short' }));
    await outbox.enqueue({ id: 'old-1', subject: 'results.q-1', body });
  }
  const { broker, operator } = await openBroker();
  await site.start({ args: ['--server', broker.url] });
  const [result] = await resultsOf(operator, ['old-1']);
  expect(result).toMatchObject({ stdout: '', stdout_object: 'old-1/stdout', stderr: 'short' });
  expect(await objectOf(operator, result?.stdout_object)).toBe(text(600_000));
});

it('that was delivered is sent again as it is in its store, though its files have gone', async () => {
  const { broker, operator } = await openBroker();
  const site = await openSite();
  await site.start({ args: ['--server', broker.url] });
  const run = async (script: string): Promise<ExecResult> => {
    const command = commandFor(script, { id: `job-${script.length}` });
    await operator.order(`commands.pc.pc-1.${command.id}`, command);
    return operator.result(command.request_id);
  };
  const first = await run(printed(600_000));
  const other = await run(printed(800_000));
  rmSync(jobDirOf(site, 600_000), { recursive: true });
  rmSync(jobDirOf(site, 800_000), { recursive: true });
  await (await operator.store('result_output')).delete(other.stdout_object ?? '');
  await operator.renew('RESULTS');
  await run('echo next');
  const [again, without] = await resultsOf(operator, [first.result_id, other.result_id]);
  expect(again).toEqual(first);
  expect(await objectOf(operator, again?.stdout_object)).toBe(text(600_000));
  expect(without?.stdout).toContain('800000 bytes were written, and the machine has them no more');
  expect(without).not.toHaveProperty('stdout_object');
});

it('waits behind short results and holds none of them up; where there is no store for it, its beginning is told', async () => {
  const site = await openSite();
  const long = Array.from({ length: 6 }, (_, index) => [`long-${index}`, printed(1_000_000)] as const);
  const ids = await endWithoutBroker(site, { ...Object.fromEntries(long), short: 'echo short' });
  const { broker, operator } = await openBroker();
  await operator.change('OBJ_result_output', 'gone');
  await site.start({ args: ['--server', broker.url] });
  const told = await resultsOf(operator, Object.values(ids));
  const order = (await operator.results()).map(({ result_id }) => result_id);
  expect(order[0]).toBe(ids.short);
  const [first] = told;
  expect(first?.stdout).toMatch(
    /^(y\n)+\n\[kanade\] output truncated: the broker has no object store result_output\n$/,
  );
  expect(first?.stdout.length).toBeGreaterThan(60_000);
  expect(first).not.toHaveProperty('stdout_object');
});
