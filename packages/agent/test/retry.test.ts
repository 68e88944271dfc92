/** Runs that are tried again, with real processes under a real agent: what they leave, and what a kill or the death of the agent does. */
import { appendFileSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually, newestNatsServer, startNatsServer } from '@kanade/testkit';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openSite } from './agent-process.ts';
import { commandFor, openOperator } from './operator.ts';

const { path } = await newestNatsServer();

/** A fleet of one agent, and a script that notes each attempt. */
async function openFleet() {
  const broker = await startNatsServer({ path });
  onTestFinished(() => broker[Symbol.asyncDispose]());
  const operator = await openOperator(broker.url);
  const site = await openSite();
  const start = () => site.start({ args: ['--server', broker.url] });
  const log = join(site.path, 'attempts');
  const attempts = (): number => (existsSync(log) ? readFileSync(log, 'utf8').length : 0);
  const jobs = join(site.data, 'jobs');
  /** States of the job directories that are there. */
  const states = (): string[] =>
    readdirSync(jobs)
      .map((name) => join(jobs, name, 'state.json'))
      .filter((file) => existsSync(file))
      .map((file) => JSON.parse(readFileSync(file, 'utf8')).job.status);
  return {
    operator,
    site,
    start,
    attempts,
    states,
    /** `$n` is the number of the attempt. */
    script: (rest: string) => `printf x >> ${log}; n=$(wc -c < ${log}); ${rest}`,
    order: (command: ReturnType<typeof commandFor>) => operator.order('commands.pc.pc-1.job', command),
  };
}

describe('a run that is tried again', () => {
  it('has one start and one result, that of its last attempt, and leaves one directory', async () => {
    const { operator, start, script, order, attempts, states } = await openFleet();
    await start();
    const command = commandFor(script('echo "attempt $n"; [ $n -eq 3 ]'), { retry: { max: 5, backoff_secs: 0 } });
    await order(command);
    const result = await operator.result(command.request_id);
    expect(result).toMatchObject({
      ...{ exit_code: 0, ending: 'exited', stdout: 'attempt 3\n', stderr: 'succeeded after 2 retries\n' },
      started_at: (await operator.started(command.request_id)).started_at,
    });
    expect(attempts()).toBe(3);
    await eventually('the directories of the others to go', () => states().length === 1);
  });

  it('tries ten times without a pause and then no more; a signal and a time-out are failures, too', async () => {
    const { operator, start, script, order, attempts } = await openFleet();
    await start();
    const failing = script('[ $n -eq 2 ] && kill -9 $$; [ $n -eq 3 ] && sleep 60; exit 4');
    const command = commandFor(failing, { retry: { max: 10, backoff_secs: 0 }, timeout_secs: 1 });
    await order(command);
    expect(await operator.result(command.request_id)).toMatchObject({
      ...{ exit_code: 4, ending: 'exited', stderr: 'failed after 10 retries exhausted\n' },
    });
    expect(attempts()).toBe(11);
    const plain = commandFor('echo plain');
    await order(plain);
    expect(await operator.result(plain.request_id)).toMatchObject({ exit_code: 0, stdout: 'plain\n', stderr: '' });
  });

  it.each(['in an attempt', 'in a pause'])('ends with a kill %s', async (when) => {
    const { operator, start, script, order, attempts, states } = await openFleet();
    await start();
    const backoff_secs = when === 'in a pause' ? 3600 : 0;
    const body = when === 'in a pause' ? 'echo "attempt $n"; exit 4' : '[ $n -eq 2 ] && sleep 600; exit 4';
    const command = commandFor(script(body), { retry: { max: 3, backoff_secs } });
    await order(command);
    if (when === 'in a pause') await eventually('the pause', () => states().join() === 'exited');
    else await eventually('the second attempt', () => attempts() === 2);
    operator.kill(command.exec_id ?? '');
    const count = when === 'in a pause' ? 0 : 1;
    expect(await operator.result(command.request_id)).toMatchObject({
      exit_code: -1,
      ending: 'killed',
      stdout: when === 'in a pause' ? 'attempt 1\n' : '',
      stderr: `stopped by remote kill after ${count} retries\nkilled by remote signal (kill.${command.exec_id})\n`,
    });
    expect(attempts()).toBe(count + 1);
  });

  it('is tried no more once its job was revoked, in the middle of a pause', async () => {
    const { operator, start, script, order, attempts, states } = await openFleet();
    await start();
    const command = commandFor(script('echo "attempt $n"; exit 4'), { retry: { max: 3, backoff_secs: 3600 } });
    await order(command);
    await eventually('the pause', () => states().join() === 'exited');
    await operator.put('script_status', 'job', 'REVOKED');
    expect(await operator.result(command.request_id)).toMatchObject({
      ...{ exit_code: 4, ending: 'exited', skipped: false, stdout: 'attempt 1\n' },
      stderr: 'failed after 0 retries; not tried again: skipped: job is revoked\n',
    });
    expect(attempts()).toBe(1);
  });

  it('goes on under the next agent, in an attempt and in a pause, with one start and one result', async () => {
    const { operator, site, start, script, order, attempts, states } = await openFleet();
    const first = await start();
    const go = join(site.path, 'go');
    const waiting = `[ $n -eq 2 ] && until [ -e ${go} ]; do sleep 0.02; done`;
    const command = commandFor(script(`echo "attempt $n"; ${waiting}; [ $n -eq 4 ]`), {
      retry: { max: 5, backoff_secs: 1 },
    });
    await order(command);
    const { result_id } = await operator.started(command.request_id);
    await eventually('the first attempt to end', () => states().includes('exited'));
    await first.end('SIGKILL');
    const second = await start();
    await eventually('the second attempt', () => attempts() === 2);
    await second.end('SIGKILL');
    const third = await start();
    appendFileSync(go, '');
    await eventually('the third attempt', () => attempts() >= 3);
    await third.end('SIGTERM');
    await start();
    const result = await operator.result(command.request_id);
    expect(result).toMatchObject({
      result_id,
      exit_code: 0,
      stdout: 'attempt 4\n',
      stderr: 'succeeded after 3 retries\n',
    });
    expect(result.started_at).toBe((await operator.started(command.request_id)).started_at);
    expect(await operator.starts(command.request_id)).toHaveLength(1);
    expect(attempts()).toBe(4);
    await eventually('the directories of the others to go', () => states().length === 1);
  });
});
