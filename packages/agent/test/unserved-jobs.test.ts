import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { jobYaml, openSite } from './agent-process.ts';
import { openPerson } from './person.ts';

/** What a manifest asks for behind its `client` block, and how a click is refused. */
const asked: Readonly<Record<string, [more: string, kind: string, why: string]>> = {
  shown: ['  show_when: { check: disk, is: fail }', 'Unauthorized', 'client.show_when: the check disk has not run'],
  approved: ['require_approval: true', 'Unauthorized', 'require_approval: '],
  tier: ['tier: controller', 'Unauthorized', 'tier: a job of tier controller'],
  feed: ['feed: [{ id: a, field: b, primary_key: [c] }]', 'Unauthorized', 'feed: a job of tier controller'],
};

describe('a job that asks for what is not carried out', () => {
  it('is not offered to people, does not start, and says why; what only others read is no reason', async () => {
    const site = await openSite();
    const mark = join(site.path, 'ran');
    for (const [id, [more]] of Object.entries(asked)) {
      site.putJob(`${id}.yaml`, `${jobYaml({ id, script: `touch '${mark}'` })}${more}\n`);
    }
    site.putJob('plain.yaml', `${jobYaml({ id: 'plain', script: 'true' })}inventory: { display: [] }\naggregate: []\n`);
    const agent = await site.start();
    const person = await openPerson(site.socket);
    expect((await person.call('jobs.list')).items.map(({ id }) => id)).toEqual(['plain']);
    for (const [id, [, kind, why]] of Object.entries(asked)) {
      const refusal = { kind, message: expect.stringContaining(`${id}: ${why}`) };
      await expect(person.start(id)).rejects.toMatchObject(refusal);
      if (id !== 'shown') expect(agent.log()).toContain(why); // for whoever wrote the file
    }
    expect((await person.end(await person.start('plain'))).exit_code).toBe(0);
    expect(existsSync(mark)).toBe(false);
  });
});
