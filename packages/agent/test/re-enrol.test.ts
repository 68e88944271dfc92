import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { connectFleet, forgetMachine } from '@kanade/fleet';
import { natsServers, startNatsServer } from '@kanade/testkit';
import { expect, it, onTestFinished } from 'vitest';
import { jobYaml, openSite } from './agent-process.ts';
import { commandFor, openOperator } from './operator.ts';
import { openPerson } from './person.ts';

it.each(await natsServers())(
  'a machine that was forgotten and comes again under its id is a new one: nothing of the old one reaches it, nats-server $version',
  async ({ path }) => {
    const broker = await startNatsServer({ path });
    onTestFinished(() => broker[Symbol.asyncDispose]());
    const operator = await openOperator(broker.url);
    const site = await openSite();
    const ran = join(site.path, 'ran');
    const order = async (target: string, id: string) => {
      const command = commandFor(`echo ${id} >> '${ran}'`, { id });
      await operator.order(`commands.${target}.${id}`, command);
      return command.request_id;
    };
    site.putJob('own.yaml', jobYaml({ id: 'own', script: 'true' }));
    await operator.put('agent_groups', 'pc-1', '{"groups":["lab"]}');
    const old = await site.start({ args: ['--server', broker.url] });
    const done = [await order('pc.pc-1', 'done'), await order('group.lab', 'team')];
    for (const requestId of done) await operator.result(requestId);
    const person = await openPerson(site.socket);
    const oldRun = await person.start('own');
    await person.end(oldRun);
    await person.close();
    await old.end();
    const late = await order('pc.pc-1', 'late');

    await using fleet = await connectFleet({ servers: broker.url, name: 'remover' });
    expect(await forgetMachine(fleet, 'pc-1')).toEqual({
      withdrawn: ['commands.pc.pc-1.done', 'commands.pc.pc-1.late'],
      wasGrouped: true,
    });
    expect(await forgetMachine(fleet, 'pc-1')).toEqual({ withdrawn: [], wasGrouped: false });
    rmSync(site.data, { recursive: true });

    await site.start({ args: ['--server', broker.url] });
    await operator.result(await order('pc.pc-1', 'new'));
    const newcomer = await openPerson(site.socket);
    await expect(newcomer.call('jobs.kill', { run_id: oldRun })).rejects.toMatchObject({ kind: 'Unauthorized' });
    expect((await newcomer.call('jobs.list')).items).toMatchObject([{ id: 'own' }]);
    expect((await newcomer.call('jobs.list')).items[0]?.last_run).toBeUndefined();
    expect(readFileSync(ran, 'utf8').trim().split('\n').sort()).toEqual(['done', 'new', 'team']);
    const results = (await operator.results()).map(({ request_id }) => request_id);
    expect(done.map((requestId) => results.filter((one) => one === requestId).length)).toEqual([1, 1]);
    expect(results).not.toContain(late);
  },
);
