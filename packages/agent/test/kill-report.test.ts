/** What a machine says of a stop that could not end everything: a program that became root, under an agent that is not. */
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually, newestNatsServer, startNatsServer } from '@kanade/testkit';
import { expect, it, onTestFinished } from 'vitest';
import { openSite } from './agent-process.ts';
import { commandFor, openOperator } from './operator.ts';

const nobody = 65_534;
const { path } = await newestNatsServer();

it.runIf(process.getuid?.() === 0)('names what a kill left alive, in the result and in its note', async () => {
  const broker = await startNatsServer({ path });
  onTestFinished(() => broker[Symbol.asyncDispose]());
  const operator = await openOperator(broker.url);
  const site = await openSite();
  chmodSync(site.path, 0o755);
  for (const dir of [site.path, site.jobs]) chownSync(dir, nobody, nobody);
  // Whoever runs it is root.
  const rise = join(site.path, 'rise');
  execFileSync('sh', ['-c', 'cp "$(command -v setpriv)" "$1" && chmod 4755 "$1"', 'sh', rise]);
  // With a home of its own: in that of root it may not look for what is set.
  const user = ['setpriv', `--reuid=${nobody}`, `--regid=${nobody}`, '--clear-groups'];
  const become = [...user, 'env', `HOME=${site.path}`];
  await operator.beat('pc-1', () => site.start({ within: become, args: ['--server', broker.url] }));

  const pidFile = join(site.path, 'pid');
  const command = commandFor(`'${rise}' --reuid=0 sh -c 'echo $$ > ${pidFile}; exec sleep 600'`, { exec_id: 'e-1' });
  await operator.order('commands.pc.pc-1.job', command);
  const pid = await eventually('the program is root', () => Number(readFileSync(pidFile, 'utf8')) || undefined);
  onTestFinished(() => void process.kill(pid, 'SIGKILL'));
  await eventually('it sleeps', () => readFileSync(`/proc/${pid}/comm`, 'utf8') === 'sleep\n');
  operator.kill('e-1');
  expect(await operator.result(command.request_id)).toMatchObject({
    ending: 'killed',
    stderr: `killed by remote signal (kill.e-1); still alive: ${pid} sleep\n`,
    stop_report: { survivors: [{ pid, name: 'sleep' }] },
  });
});
