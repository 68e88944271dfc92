import { spawnSync } from 'node:child_process';
import { appendFileSync, copyFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '@kanade/testkit';
import { expect, it } from 'vitest';
import { jobYaml, openSite } from './agent-process.ts';
import { openPerson } from './person.ts';
import { openRuns, queuedResults } from './records.ts';

/** A mount of its own, gone with the agent; only where the system lets us. */
const ownMounts = ['unshare', '--mount', '--propagation', 'private'];
const canMount = spawnSync('unshare', [...ownMounts.slice(1), 'mount', '-t', 'tmpfs', 'none', '/mnt']).status === 0;

it.runIf(canMount)(
  'an agent on a full disk stops runs and records their ends, and goes on when there is room',
  async () => {
    const site = await openSite();
    const go = join(site.path, 'go');
    site.putJob('waits.yaml', jobYaml({ id: 'waits', script: `until [ -e ${go} ]; do sleep 0.05; done; exit 7` }));
    site.putJob('sleeps.yaml', jobYaml({ id: 'sleeps', script: 'exec sleep 300', timeout: '600s' }));
    site.putJob('hello.yaml', jobYaml({ id: 'hello', script: 'echo hello' }));
    mkdirSync(site.data, { mode: 0o700 });
    const mount = `mount -t tmpfs -o size=12m,mode=0700 none ${site.data} && exec "$@"`;
    const agent = await site.start({ within: [...ownMounts, 'bash', '--norc', '-c', mount, 'bash'] });
    const data = join('/proc', String(agent.pid), 'root', site.data); // its own view of the directory
    const person = await openPerson(site.socket);
    const waits = await person.start('waits');
    const sleeps = await person.start('sleeps');
    await eventually('both to run', () =>
      [waits, sleeps].every((id) => person.pushes(id).at(-1)?.status === 'running'),
    );

    const ballast = join(data, 'ballast');
    for (const bytes of [1 << 20, 1 << 12, 1]) fill(ballast, bytes);
    expect((await person.call('jobs.list')).items).toHaveLength(3);
    await expect(person.start('hello')).rejects.toThrow();
    await person.call('jobs.kill', { run_id: sleeps });
    expect(await person.end(sleeps)).toMatchObject({ status: 'killed' });
    writeFileSync(go, '');
    expect(await person.end(waits)).toMatchObject({ status: 'failed', exit_code: 7 });
    const copy = join(site.path, 'copy'); // SQLite finds no way through /proc
    mkdirSync(copy);
    for (const file of ['agent.db', 'agent.db-wal']) copyFileSync(join(data, file), join(copy, file));
    expect(openRuns(copy)).toBe(0);
    expect(queuedResults(copy).map(({ result_id }) => result_id)).toEqual(expect.arrayContaining([waits, sleeps]));

    rmSync(ballast);
    const hello = await eventually('a run to be taken again', () => person.start('hello'));
    expect(await person.end(hello)).toMatchObject({ status: 'completed', stdout_chunk: 'hello\n' });
  },
);

/** Adds to a file until the disk takes no more. */
function fill(path: string, bytes: number): void {
  const block = Buffer.alloc(bytes);
  try {
    for (;;) appendFileSync(path, block);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  }
}
