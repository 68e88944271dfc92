import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isEnded } from '@kanade/shared/local';
import { eventually } from '@kanade/testkit';
import { describe, expect, it } from 'vitest';
import { limits } from '../src/limits.ts';
import { jobYaml, openSite } from './agent-process.ts';
import { openPerson } from './person.ts';

describe('runs of a person', () => {
  it('are one at a time of a job, unless the job says otherwise, and never more than the limit', async () => {
    const site = await openSite();
    const script = `until [ -e ${site.path}/go ]; do sleep 0.05; done`;
    site.putJob('one.yaml', jobYaml({ id: 'one', script }));
    site.putJob('many.yaml', `${jobYaml({ id: 'many', script })}  parallel: true\n`);
    await site.start();
    const person = await openPerson(site.socket);
    const first = await person.start('one');
    expect(await person.start('one')).toBe(first);
    const others: string[] = [];
    while (others.length < limits.userRunsMax - 1) others.push(await person.start('many'));
    expect(new Set([first, ...others]).size).toBe(limits.userRunsMax);
    await expect(person.start('many')).rejects.toMatchObject({
      kind: 'RateLimit',
      limit: { limit: 'runs of a user at a time', maximum: limits.userRunsMax, actual: limits.userRunsMax },
    });
    expect(await person.start('one')).toBe(first); // this asks for no place
    writeFileSync(join(site.path, 'go'), '');
    for (const run of [first, ...others]) expect((await person.end(run)).status).toBe('completed');
    expect(await person.start('one')).not.toBe(first);
  });

  it('that ended while nobody listened are told to who comes back, but not those from before the time it names', async () => {
    const site = await openSite();
    site.putJob('short.yaml', jobYaml({ id: 'short', script: 'echo told; head -c 100000 /dev/zero >&2' }));
    const agent = await site.start();
    const person = await openPerson(site.socket);
    const runId = await person.start('short');
    await person.end(runId);
    await person.close();
    await agent.end();
    await site.start();
    const back = await openPerson(site.socket, { subscribe: true });
    const ending = await back.end(runId);
    expect(ending).toMatchObject({
      job_id: 'short',
      status: 'completed',
      exit_code: 0,
      stdout_chunk: 'told\n',
      stdout_from: 0,
      truncated: true,
    });
    expect(ending.stderr_chunk).toMatch(/^\0{32768}\n\.\.\.\[truncated: output exceeded 32 KiB\]\n$/);
    const later = await openPerson(site.socket);
    const since = new Date(Date.parse(ending.finished_at ?? '') + 1).toISOString();
    await later.call('jobs.subscribe', { since });
    const next = await later.start('short');
    await later.end(next);
    expect(later.pushes(runId)).toEqual([]);
  });

  it('say where in the output each push belongs, and all of it can be read by offset', async () => {
    const site = await openSite();
    // More than the pushes carry while it runs, and more than the last one does; the characters take three bytes each.
    const script = `yes € | head -n 400000 | tr -d '\\n'; until [ -e ${site.path}/go ]; do sleep 0.05; done; echo end`;
    site.putJob('long.yaml', jobYaml({ id: 'long', script }));
    const control = "head -c 900000 /dev/zero | tr '\\0' '\\1'";
    site.putJob('control.yaml', jobYaml({ id: 'control', script: control }));
    await site.start();
    const person = await openPerson(site.socket);
    const runId = await person.start('long');
    const total = 1_200_000;
    await eventually('the live output to be shown', () =>
      person
        .pushes(runId)
        .some(({ stdout_chunk = '', stdout_from = 0 }) => stdout_from + Buffer.byteLength(stdout_chunk) === total),
    );
    writeFileSync(join(site.path, 'go'), '');
    const last = await person.end(runId);
    expect(last).toMatchObject({ stdout_from: 0, truncated: true });
    let at = 0;
    for (const { status, stdout_chunk = '', stdout_from = 0, truncated = false } of person.pushes(runId)) {
      if (isEnded(status) || stdout_chunk === '') continue;
      // The last line may be shown before the end is known.
      expect(stdout_chunk).toMatch(/^€*(end\n)?$/);
      expect(truncated).toBe(stdout_from > at);
      expect(stdout_from % 3).toBe(0);
      at = stdout_from + Buffer.byteLength(stdout_chunk);
    }
    let text = '';
    let from = 0;
    for (;;) {
      const part = await person.call('jobs.output', { run_id: runId, stream: 'stdout', from });
      expect(part).toMatchObject({ from, total_bytes: total + 4, ended: true });
      expect(Buffer.byteLength(part.text)).toBe(part.to - part.from);
      text += part.text;
      from = part.to;
      if (part.to === part.total_bytes) break;
    }
    expect(text).toBe(`${'€'.repeat(total / 3)}end\n`);
    // What takes six times as much in a message comes in smaller parts.
    const signs = await person.start('control');
    await person.end(signs);
    const first = await person.call('jobs.output', { run_id: signs, stream: 'stdout', from: 0 });
    expect(first).toMatchObject({ text: '\u0001'.repeat(128 * 1024), to: 128 * 1024, total_bytes: 900_000 });
    expect(await person.call('jobs.output', { run_id: runId, stream: 'stdout', from: 10 ** 9 })).toMatchObject({
      text: '',
      from: total + 4,
      to: total + 4,
    });
  });

  it('are not offered where the job is for another system', async () => {
    const site = await openSite();
    site.putJob('here.yaml', `${jobYaml({ id: 'here', script: 'true' })}  platforms: [linux, macos]\n`);
    site.putJob('there.yaml', `${jobYaml({ id: 'there', script: 'true' })}  platforms: [windows]\n`);
    site.putJob('nowhere.yaml', `${jobYaml({ id: 'nowhere', script: 'true' })}  platforms: [plan9]\n`);
    const agent = await site.start();
    const person = await openPerson(site.socket);
    expect((await person.call('jobs.list')).items.map(({ id }) => id)).toEqual(['here']);
    await expect(person.start('there')).rejects.toMatchObject({
      kind: 'Unauthorized',
      message: expect.stringContaining('there is for windows'),
    });
    expect(agent.log()).toContain('client.platforms: must name linux, macos or windows');
  });
});
