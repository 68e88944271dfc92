/** Orders whose runs are tried again, and what comes behind those that succeed, from the call of an operator to the answer. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { eventually, newestNatsServer } from '@kanade/testkit';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type FleetSite, openFleetSite } from './fleet-site.ts';

const { path } = await newestNatsServer();
let site: FleetSite;
beforeAll(async () => {
  site = await openFleetSite(path, ['pc-1']);
});
afterAll(() => site[Symbol.asyncDispose]());

/** A script that notes each of its attempts, of which `$n` is the number. */
const counting = (name: string, rest: string) => {
  const file = `${site.dir}/${name}`;
  const attempts = (): number => (existsSync(file) ? readFileSync(file, 'utf8').length : 0);
  return { script: `printf x >> ${file}; n=$(wc -c < ${file}); ${rest}`, attempts };
};

it('exec and run --retry try again what fails, and answer once', async () => {
  const { script } = counting('exec', 'echo "attempt $n"; [ $n -eq 3 ]');
  await site.put('flaky', script);
  const done = await site.fleet(
    'exec',
    'flaky',
    '--pc',
    'pc-1',
    '--retry',
    '5',
    '--backoff',
    '0s',
    '--wait',
    '--exit-code',
  );
  const result = { pc_id: 'pc-1', exit_code: 0, ending: 'exited', stdout: 'attempt 3\n' };
  expect(done).toMatchObject({ ok: true, status: 0, results: [{ ...result, stderr: 'succeeded after 2 retries\n' }] });
  expect(done.results).toHaveLength(1);
  const failing = counting('run', 'exit 7');
  const ran = await site.fleet('run', 'pc-1', '--retry', '2', '--backoff', '0s', '--exit-code', '--', failing.script);
  expect(ran).toMatchObject({ status: 7, results: [{ exit_code: 7, stderr: 'failed after 2 retries exhausted\n' }] });
  expect(failing.attempts()).toBe(3);
});

it('a kill ends an order in the pause before its next attempt', async () => {
  const { script, attempts } = counting('paused', 'exit 7');
  await site.put('paused', script);
  const { exec_id } = await site.fleet('exec', 'paused', '--pc', 'pc-1', '--retry', '3', '--backoff', '1h');
  await eventually('the first attempt', () => attempts() === 1);
  await site.fleet('kill', String(exec_id), '--timeout', '60');
  const answer = await site.fleet('wait', String(exec_id));
  const stderr = `stopped by remote kill after 0 retries\nkilled by remote signal (kill.${exec_id})\n`;
  expect(answer).toMatchObject({ ok: true, results: [{ exit_code: -1, ending: 'killed' }] });
  const [result] = answer.results as { stderr: string }[];
  // Whether the attempt had ended by then is up to the machine.
  expect([stderr, `killed by remote signal (kill.${exec_id})\n`]).toContain(result?.stderr);
  expect(attempts()).toBe(1);
});

it('tail --follow goes on from one attempt to the next, each from its first byte', async () => {
  const open = (n: number): void => writeFileSync(`${site.dir}/open-${n}`, '');
  const waiting = `until [ -e ${site.dir}/open-$n ]; do sleep 0.02; done`;
  const { script, attempts } = counting('followed', `echo "attempt number $n"; ${waiting}; [ $n -eq 2 ] && echo last`);
  await site.put('followed', script);
  const { exec_id } = await site.fleet('exec', 'followed', '--pc', 'pc-1', '--retry', '3', '--backoff', '0s');
  await eventually('the first attempt', () => attempts() === 1);
  const tail = site.begin({}, 'tail', String(exec_id), '--pc', 'pc-1', '--follow', '--from-start', '--json');
  await eventually('its output', () => tail.text.stdout.includes('attempt number 1'));
  open(1);
  await eventually('that of the second', () => tail.text.stdout.includes('attempt number 2'));
  open(2);
  const { stdout, status } = await tail.ended;
  const events = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(status).toBe(0);
  expect(events.filter(({ type, stream }) => type !== 'waiting' && stream !== 'stderr')).toMatchObject([
    { type: 'output', stream: 'stdout', from: 0, to: 17, text: 'attempt number 1\n' },
    { type: 'again', pc_id: 'pc-1', attempt: 1 },
    { type: 'output', stream: 'stdout', from: 0, to: 17, text: 'attempt number 2\n' },
    { type: 'output', stream: 'stdout', from: 17, to: 22, text: 'last\n' },
    { type: 'ended', status: 'completed', exit_code: 0 },
  ]);
});

it.each([
  [['--retry', '0'], '--retry must be between 1 and 10: 0'],
  [['--retry', '11'], '--retry must be between 1 and 10: 11'],
  [['--backoff', '30s'], '--backoff needs --retry'],
  [['--retry', '1', '--backoff', 'soon'], '--backoff must be a duration'],
])('exec %s is no order', async (words, said) => {
  const { child, ended } = site.begin({}, 'exec', 'flaky', '--pc', 'pc-1', ...words);
  const { stderr } = await ended;
  expect({ code: child.exitCode, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(said) });
});

it('what comes behind a run is a result of its own, below that of the run', async () => {
  const yaml = [
    'id: cleaned',
    'version: 1.0.0',
    'execute: { shell: sh, timeout: 1m, script: "echo main" }',
    'finalize: { shell: sh, script: "echo behind; exit 3" }',
  ];
  writeFileSync(`${site.dir}/cleaned.yaml`, `${yaml.join('\n')}\n`);
  expect(await site.fleet('job', 'put', `${site.dir}/cleaned.yaml`)).toMatchObject({ ok: true });
  const done = await site.fleet('exec', 'cleaned', '--pc', 'pc-1', '--wait', '--exit-code');
  expect(done).toMatchObject({ status: 0, results: [{ exit_code: 0, stdout: 'main\n', stderr: '' }] });
  const rows = await eventually('both results', async () => {
    const { results } = await site.fleet('results', String(done.exec_id), '--output');
    return (results as Record<string, unknown>[]).length === 2 ? (results as Record<string, unknown>[]) : undefined;
  });
  const main = rows.find(({ job_id }) => job_id === 'cleaned');
  expect(rows.find(({ job_id }) => job_id === 'cleaned__finalize')).toMatchObject({
    ...{ parent_result_id: main?.result_id, exec_id: done.exec_id, exit_code: 3, stdout: 'behind\n' },
  });
});
