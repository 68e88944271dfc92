import { appendFileSync, existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { eventually, natsServers, startNatsServer } from '@kanade/testkit';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openSite } from './agent-process.ts';
import { commandFor, openOperator } from './operator.ts';
import { openRuns } from './records.ts';

describe.each(await natsServers())('an agent that starts again, with nats-server $version', ({ path }) => {
  it('does not run what was revoked while it was away, though a place is free at once', async () => {
    const broker = await startNatsServer({ path });
    onTestFinished(() => broker[Symbol.asyncDispose]());
    const operator = await openOperator(broker.url);
    const site = await openSite();
    const go = join(site.path, 'go');
    const ran = join(site.path, 'ran');
    const first = await site.start({ args: ['--server', broker.url] });
    const blockers = Array.from({ length: availableParallelism() }, (_, index) =>
      commandFor(`until [ -e ${go} ]; do sleep 0.05; done`, { id: `blocker-${index}` }),
    );
    for (const command of blockers) await operator.order(`commands.pc.pc-1.${command.id}`, command);
    for (const command of blockers) await operator.started(command.request_id);
    const revoked = commandFor(`touch ${ran}`, { id: 'revoked' });
    const wanted = commandFor('echo wanted', { id: 'wanted' });
    await operator.order('commands.pc.pc-1.revoked', revoked);
    await operator.order('commands.pc.pc-1.wanted', wanted);
    await eventually('both to be taken', () => openRuns(site.data) === blockers.length + 2);
    await first.end('SIGKILL');
    appendFileSync(go, ''); // places are free when it comes back
    await operator.put('script_status', 'revoked', 'REVOKED');
    await site.start({ args: ['--server', broker.url] });
    expect(await operator.result(revoked.request_id)).toMatchObject({ exit_code: 126, skipped: true });
    expect(await operator.result(wanted.request_id)).toMatchObject({ exit_code: 0, stdout: 'wanted\n' });
    expect(existsSync(ran)).toBe(false);
  });
});
