/** What comes behind a run, with real processes under a real agent. */
import { appendFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from '@kanade/shared/fleet';
import { eventually, newestNatsServer, startNatsServer } from '@kanade/testkit';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openSite } from './agent-process.ts';
import { commandFor, openOperator } from './operator.ts';

const { path } = await newestNatsServer();

async function openFleet() {
  const broker = await startNatsServer({ path });
  onTestFinished(() => broker[Symbol.asyncDispose]());
  const operator = await openOperator(broker.url);
  const site = await openSite();
  return {
    operator,
    site,
    start: () => site.start({ args: ['--server', broker.url] }),
    order: (command: Command) => operator.order('commands.pc.pc-1.job', command),
  };
}

const step = { shell: 'sh', timeout_secs: 60 } as const;

describe('a finalizer', () => {
  it('is a run of its own behind one that succeeded, with a result of its own, and changes nothing', async () => {
    const { operator, site, start, order } = await openFleet();
    await start();
    const script = 'echo "behind in $PWD with [$KANADE_COLLECT_RESULT]"; exit 3';
    const command = commandFor('echo main', { finalize: { ...step, script, cwd: site.path } });
    const failing = commandFor('exit 1', { finalize: { ...step, script } });
    await order(command);
    const [main, behind] = await operator.followed(command.request_id, 2);
    expect(main).toMatchObject({ manifest_id: 'job', exit_code: 0, stdout: 'main\n', stderr: '' });
    expect(main?.parent_result_id).toBeUndefined();
    expect(behind).toMatchObject({
      ...{ manifest_id: 'job__finalize', parent_result_id: main?.result_id, exec_id: command.exec_id, exit_code: 3 },
      stdout: `behind in ${site.path} with []\n`,
    });
    expect(behind?.result_id).not.toBe(main?.result_id);
    await order(failing);
    expect(await operator.result(failing.request_id)).toMatchObject({ exit_code: 1 });
    expect(await operator.starts(command.request_id)).toHaveLength(1);
  });

  it('reads what was collected', async () => {
    const { operator, site, start, order } = await openFleet();
    await start();
    const file = join(site.path, 'app.log');
    appendFileSync(file, 'line');
    const command = commandFor(`echo '{"files": ["${file}"]}'`, {
      collect: { name: 'logs' },
      finalize: { ...step, script: 'printf %s "$KANADE_COLLECT_RESULT"' },
    });
    await order(command);
    const [main, behind] = await operator.followed(command.request_id, 2);
    expect(main).toMatchObject({ exit_code: 0, collect_object: expect.stringMatching(/^pc-1\/job\/.*\.zip$/) });
    expect(JSON.parse(behind?.stdout ?? '')).toEqual({
      ok: true,
      bundles: [{ key: main?.collect_object, uploaded: true, files: [file] }],
    });
  });

  it('is stopped by a kill of its order, and the run before it stays a success', async () => {
    const { operator, site, start, order } = await openFleet();
    await start();
    const mark = join(site.path, 'behind');
    const command = commandFor('echo main', { finalize: { ...step, script: `touch ${mark}; sleep 600` } });
    await order(command);
    await eventually('the finalizer', () => existsSync(mark));
    operator.kill(command.exec_id ?? '');
    const [main, behind] = await operator.followed(command.request_id, 2);
    expect(main).toMatchObject({ exit_code: 0, ending: 'exited' });
    expect(behind).toMatchObject({ exit_code: -1, ending: 'killed', parent_result_id: main?.result_id });
  });

  it('goes on under the next agent, though its job was revoked meanwhile', async () => {
    const { operator, site, start, order } = await openFleet();
    const first = await start();
    const [log, go] = [join(site.path, 'behind'), join(site.path, 'go')];
    const script = `printf x >> ${log}; until [ -e ${go} ]; do sleep 0.02; done; cat ${log}`;
    const command = commandFor('echo main', { finalize: { ...step, script } });
    await order(command);
    await eventually('the finalizer', () => existsSync(log));
    await first.end('SIGKILL');
    await operator.put('script_status', 'job', 'REVOKED');
    await start();
    appendFileSync(go, '');
    const [main, behind] = await operator.followed(command.request_id, 2);
    expect(main).toMatchObject({ exit_code: 0 });
    expect(behind).toMatchObject({ exit_code: 0, stdout: 'x', parent_result_id: main?.result_id });
  });
});
