import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { identify } from '@kanade/runner/process';
import { eventually, natsServers, startNatsServer } from '@kanade/testkit';
import { describe, expect, it, onTestFinished } from 'vitest';
import { jobYaml, openSite, type RunningAgent } from './agent-process.ts';
import { commandFor, openOperator } from './operator.ts';
import { openPerson } from './person.ts';
import { knownEntries, openRuns, queuedResults } from './records.ts';

describe.each(await natsServers())('an agent with nats-server $version', ({ path }) => {
  async function openBroker() {
    const broker = await startNatsServer({ path });
    onTestFinished(() => broker[Symbol.asyncDispose]());
    return broker;
  }

  it('runs an order and reports its start and its end', async () => {
    const broker = await openBroker();
    const operator = await openOperator(broker.url);
    const site = await openSite();
    const start = () => site.start({ args: ['--server', broker.url] });
    let agent: RunningAgent | undefined;
    const beat = await operator.beat('pc-1', async () => {
      agent = await start();
    });
    expect(agent?.ready.broker).toEqual([broker.url]);
    expect(beat).toMatchObject({ pc_id: 'pc-1', os_family: expect.any(String), command_protocols: ['legacy'] });
    expect(beat).not.toHaveProperty('agent_cpu_pct');
    const command = commandFor('echo out; echo err >&2; exit 3');
    await operator.order('commands.pc.pc-1.job', command);
    const result = await operator.result(command.request_id);
    expect(result).toMatchObject({
      request_id: command.request_id,
      exec_id: command.exec_id,
      pc_id: 'pc-1',
      exit_code: 3,
      skipped: false,
      stdout: 'out\n',
      stderr: 'err\n',
      manifest_id: 'job',
      ending: 'exited',
    });
    expect(Date.parse(result.finished_at)).toBeGreaterThanOrEqual(Date.parse(result.started_at));
    const event = await operator.started(command.request_id);
    expect(event).toMatchObject({ result_id: result.result_id, exec_id: command.exec_id, pc_id: 'pc-1', version: '1' });
    expect(await operator.ping('pc-1')).toMatchObject({
      pc_id: 'pc-1',
      agent_version: agent?.ready.version,
      command_keys: [],
    });
  });

  it('runs an order that says null where others leave a field out', async () => {
    const broker = await openBroker();
    const operator = await openOperator(broker.url);
    const site = await openSite();
    await site.start({ args: ['--server', broker.url] });
    const { exec_id: _, ...command } = commandFor('echo ran');
    const unused = ['exec_id', 'jitter_secs', 'script_object', 'script_object_sha256', 'run_as', 'cwd', 'deadline_at'];
    const later = ['staleness', 'emit', 'check', 'collect', 'retry', 'finalize', 'bypass_local_limit'];
    const nulls = Object.fromEntries([...unused, ...later].map((field) => [field, null]));
    await operator.order('commands.pc.pc-1.job', JSON.stringify({ ...command, ...nulls }));
    const result = await operator.result(command.request_id);
    expect(result).toMatchObject({ exit_code: 0, skipped: false, stdout: 'ran\n', ending: 'exited' });
  });

  it('survives orders that no schema expects, and says why it drops them', async () => {
    const broker = await openBroker();
    const operator = await openOperator(broker.url);
    const site = await openSite();
    const agent = await site.start({ args: ['--server', broker.url] });
    const first = commandFor('true');
    await operator.order('commands.pc.pc-1.job', first);
    await operator.result(first.request_id); // from here on orders come live
    const least = JSON.stringify(commandFor('true')).slice(0, -1);
    const deep = `${'['.repeat(50_000)}${']'.repeat(50_000)}`;
    const hostile = [
      `${least},"version":${deep}}`,
      `${least},"check":{"name":${deep}}}`,
      `${least},"timeout_secs":1e400}`,
      `{"__proto__":${least}}}`,
      `${least},"later":${deep}}`,
      deep,
    ];
    for (const text of hostile) await operator.order('commands.pc.pc-1.job', text);
    // Unknown members and a key twice (the last one counts) are no reason to drop an order.
    const kept = commandFor('echo wrong');
    const text = `${JSON.stringify(kept).slice(0, -1)},"__proto__":{"id":1},"constructor":{"prototype":[1]},"script":"echo kept"}`;
    await operator.order('commands.pc.pc-1.job', text);
    expect((await operator.result(kept.request_id)).stdout).toBe('kept\n');
    // One request id stands in four of them: the first is answered, the others are other orders of the same name.
    const { request_id } = JSON.parse(`${least}}`);
    expect(await operator.result(request_id)).toMatchObject({ exit_code: -1, ending: 'not_started' });
    expect(await operator.results()).toHaveLength(3);
    expect(agent.log().match(/order refused: it cannot be read/g)).toHaveLength(1);
    expect(agent.log().match(/its request id was used with other content/g)).toHaveLength(3);
    expect(agent.log().match(/order dropped: it cannot be read/g)).toHaveLength(2);
    expect(agent.log()).not.toContain('could not be put on disk');
  });

  it('starts without its broker, serves the person at the machine, and catches up when the broker comes', async () => {
    const broker = await openBroker();
    const operator = await openOperator(broker.url);
    await broker.stop();
    const site = await openSite();
    site.putJob('hello.yaml', jobYaml({ id: 'hello', script: 'echo hello' }));
    await site.start({ args: ['--server', broker.url] });
    const person = await openPerson(site.socket);
    expect((await person.call('state.snapshot')).online).toBe(false);
    await person.call('state.subscribe');
    const runId = await person.start('hello');
    expect(await person.end(runId)).toMatchObject({ status: 'completed', stdout_chunk: 'hello\n' });
    await broker.restart();
    await eventually('the change of state', () => person.states.some(({ online }) => online));
    const result = await eventually('the result of the click', async () =>
      (await operator.results()).find((one) => one.result_id === runId),
    );
    expect(result).toMatchObject({ manifest_id: 'hello', stdout: 'hello\n', exit_code: 0 });
    expect(result).not.toHaveProperty('exec_id');
    expect((await person.call('state.snapshot')).online).toBe(true);
  });

  it('runs the newest order of each job that came while it was off', async () => {
    const broker = await openBroker();
    const operator = await openOperator(broker.url);
    const site = await openSite();
    const orders = [
      ['commands.pc.pc-1.one', commandFor('echo one', { id: 'one' })],
      ['commands.pc.pc-1.two', commandFor('echo two', { id: 'two' })],
      ['commands.all.three', commandFor('echo three', { id: 'three' })],
      ['commands.pc.pc-1', commandFor('echo older form')],
      ['commands.pc.pc-2.one', commandFor('echo stranger', { id: 'one' })],
    ] as const;
    for (const [subject, command] of orders) await operator.order(subject, command);
    const first = await site.start({ args: ['--server', broker.url] });
    const outputs = await Promise.all(
      orders.slice(0, 4).map(async ([, { request_id }]) => (await operator.result(request_id)).stdout),
    );
    expect(outputs).toEqual(['one\n', 'two\n', 'three\n', 'older form\n']);
    await first.end('SIGKILL');
    const again = await site.start({ args: ['--server', broker.url] });
    const last = commandFor('echo last', { id: 'last' });
    await operator.order('commands.pc.pc-1.last', last);
    await operator.result(last.request_id);
    const reported = (await operator.results()).map(({ request_id }) => request_id).sort();
    expect(reported).toEqual([...orders.slice(0, 4).map(([, { request_id }]) => request_id), last.request_id].sort());
    await again.end();
  });

  it('runs an order that is delivered twice once, and refuses another one under its id', async () => {
    const broker = await openBroker();
    const operator = await openOperator(broker.url);
    const site = await openSite();
    const agent = await site.start({ args: ['--server', broker.url] });
    const ran = join(site.path, 'ran');
    const first = commandFor('true');
    await operator.order('commands.pc.pc-1.job', first);
    await operator.result(first.request_id); // from here on orders come live
    const command = commandFor(`echo x >> ${ran}`);
    await operator.order('commands.pc.pc-1.job', command);
    await operator.order('commands.all.job', command);
    await operator.order('commands.pc.pc-1.job', { ...command, script: `echo y >> ${ran}` });
    await operator.order('commands.pc.pc-1.job', 'not an order');
    await operator.order('commands.pc.pc-1.other', commandFor('echo z', { id: 'job' }));
    const after = commandFor('true');
    await operator.order('commands.pc.pc-1.job', after);
    await operator.result(after.request_id);
    await operator.result(command.request_id);
    await agent.end();
    expect(readFileSync(ran, 'utf8')).toBe('x\n');
    expect(agent.log()).toContain('its request id was used with other content');
    expect(agent.log()).toContain('it cannot be read');
    expect(agent.log()).toContain('it is meant for another machine');
  });

  it('stops a run with its children when the operator kills it, whose exec id holds dots', async () => {
    const broker = await openBroker();
    const operator = await openOperator(broker.url);
    const site = await openSite();
    const pids = join(site.path, 'pids');
    await site.start({ args: ['--server', broker.url] });
    const command = commandFor(
      `sleep 300 & echo $! >> ${pids}; setsid sleep 300 & echo $! >> ${pids}; echo done >> ${pids}; wait`,
      { exec_id: 'site.one.exec' },
    );
    await operator.order('commands.pc.pc-1.job', command);
    await eventually('its children', () => existsSync(pids) && readFileSync(pids, 'utf8').includes('done'));
    operator.kill(String(command.exec_id));
    expect(await operator.result(command.request_id)).toMatchObject({
      exit_code: -1,
      skipped: false,
      ending: 'killed',
      stderr: `killed by remote signal (kill.${command.exec_id})\n`,
    });
    const children = readFileSync(pids, 'utf8').match(/\d+/g) ?? [];
    expect(children).toHaveLength(2);
    await eventually('the tree to be gone', () => children.every((pid) => identify(Number(pid)) === undefined));
  });

  it('lets orders wait for a place, through its own death, and a waiting one can be killed', async () => {
    const broker = await openBroker();
    const operator = await openOperator(broker.url);
    const site = await openSite();
    const go = join(site.path, 'go');
    const first = await site.start({ args: ['--server', broker.url] });
    const blockers = Array.from({ length: availableParallelism() }, (_, index) =>
      commandFor(`until [ -e ${go} ]; do sleep 0.05; done`, { id: `blocker-${index}` }),
    );
    for (const command of blockers) await operator.order(`commands.pc.pc-1.${command.id}`, command);
    for (const command of blockers) await operator.started(command.request_id);
    const waiting = commandFor('echo waited', { id: 'waiting' });
    const unwanted = commandFor('echo ran', { id: 'unwanted' });
    await operator.order('commands.pc.pc-1.waiting', waiting);
    await operator.order('commands.pc.pc-1.unwanted', unwanted);
    await eventually('both to be taken', () => openRuns(site.data) === blockers.length + 2);
    operator.kill(String(unwanted.exec_id));
    expect(await operator.result(unwanted.request_id)).toMatchObject({ exit_code: -1, ending: 'killed', stdout: '' });
    await first.end('SIGKILL');
    await site.start({ args: ['--server', broker.url] });
    expect(await operator.results()).toHaveLength(1); // it still waits, and so do the others
    appendFileSync(go, '');
    expect(await operator.result(waiting.request_id)).toMatchObject({ exit_code: 0, stdout: 'waited\n' });
    for (const { request_id } of blockers)
      expect(await operator.result(request_id)).toMatchObject({ ending: 'exited' });
  });

  it('delivers what ended while the broker was down, and takes orders again', async () => {
    const broker = await openBroker();
    const operator = await openOperator(broker.url);
    const site = await openSite();
    const go = join(site.path, 'go');
    const agent = await site.start({ args: ['--server', broker.url] });
    const waiting = commandFor(`until [ -e ${go} ]; do sleep 0.05; done; echo over`);
    await operator.order('commands.pc.pc-1.job', waiting);
    await operator.started(waiting.request_id);
    await broker.stop('SIGKILL');
    appendFileSync(go, '');
    await eventually('the run to end', () => agent.log().includes('run ended'));
    await broker.restart();
    expect(await operator.result(waiting.request_id)).toMatchObject({ exit_code: 0, stdout: 'over\n' });
    const next = commandFor('echo next');
    await operator.order('commands.pc.pc-1.job', next);
    expect(await operator.result(next.request_id)).toMatchObject({ stdout: 'next\n' });
    expect(await operator.results()).toHaveLength(2);
  });

  it('answers every order that it will not run with the reason', async () => {
    const broker = await openBroker();
    const operator = await openOperator(broker.url);
    const site = await openSite();
    await operator.put('script_status', 'revoked', 'REVOKED');
    await operator.put('script_current', 'pinned', '2');
    const agent = await site.start({ args: ['--server', broker.url] });
    await eventually('the fleet state to be read', () => knownEntries(site.data) === 2);
    const ran = join(site.path, 'ran');
    const rows = [
      [{ id: 'revoked' }, 126, true, 'skipped: revoked is revoked'],
      [{ id: 'pinned' }, 124, true, 'skipped: version-pin mismatch'],
      [{ deadline_at: '2020-01-01T00:00:00Z' }, 125, true, 'skipped: starting deadline expired'],
      [{ id: 'revoked', deadline_at: '2020-01-01T00:00:00Z' }, 126, true, 'skipped: revoked is revoked'],
      [{ id: 'pinned', deadline_at: '2020-01-01T00:00:00Z' }, 124, true, 'skipped: version-pin mismatch'],
      [{ run_as: 'system_gui' }, 122, true, 'cannot run on this machine: run_as system_gui'],
      [{ shell: 'powershell' }, 122, true, 'cannot run on this machine: powershell exists on Windows only'],
      [{ script: '', script_object: 'a/1' }, -1, false, 'not run: script_object needs script_object_sha256'],
    ] as const;
    for (const [more, exit_code, skipped, said] of rows) {
      const command = commandFor(`touch ${ran}`, more);
      await operator.order(`commands.pc.pc-1.${command.id}`, command);
      const result = await operator.result(command.request_id);
      expect(result).toMatchObject({ exit_code, skipped, ending: 'not_started' });
      expect(result.stderr).toContain(said);
    }
    expect(existsSync(ran)).toBe(false);
    await agent.end();
  });

  it('follows its groups and the jobs of the fleet, and knows them without the broker', async () => {
    const broker = await openBroker();
    const operator = await openOperator(broker.url);
    const site = await openSite();
    const first = await site.start({ args: ['--server', broker.url] });
    const person = await openPerson(site.socket);
    const command = commandFor('echo grouped');
    await operator.order('commands.group.lab.job', command); // before it is a member
    await operator.put('agent_groups', 'pc-1', '{"groups":["lab"]}');
    expect((await operator.result(command.request_id)).stdout).toBe('grouped\n');
    const live = commandFor('echo live');
    await operator.order('commands.group.lab.job', live);
    expect((await operator.result(live.request_id)).stdout).toBe('live\n');
    const manifest = {
      id: 'central',
      version: '1',
      execute: { shell: 'sh', timeout: '10s', script: 'echo central' },
      client: { name: 'Central', category: 'c', visible_to: { groups: ['lab'] } },
    };
    await operator.put('jobs', 'central', JSON.stringify(manifest));
    expect((await person.end(await person.start('central'))).stdout_chunk).toBe('central\n');
    await first.end();
    await broker.stop();
    await site.start({ args: ['--server', broker.url] });
    const later = await openPerson(site.socket);
    expect((await later.call('jobs.list')).items.map(({ id }) => id)).toEqual(['central']);
    expect((await later.end(await later.start('central'))).stdout_chunk).toBe('central\n');
  });

  it('keeps results until the broker has the streams for them', async () => {
    const broker = await openBroker();
    const operator = await openOperator(broker.url, { setUp: false });
    const site = await openSite();
    site.putJob('hello.yaml', jobYaml({ id: 'hello', script: 'echo hello' }));
    const agent = await site.start({ args: ['--server', broker.url] });
    const person = await openPerson(site.socket);
    await person.end(await person.start('hello'));
    await eventually('the agent to miss the streams', () =>
      agent.log().includes('the broker has no stream for results'),
    );
    expect(queuedResults(site.data)).toHaveLength(1);
    await operator.setUp();
    await eventually('the outbox to be empty', () => queuedResults(site.data).length === 0);
  });
});
