import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { jobYaml, openSite } from './agent-process.ts';
import { openPerson } from './person.ts';

/** The words with which every process of this machine was started. */
function commandLines(): string {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
      } catch {
        return ''; // ended meanwhile
      }
    })
    .join('\n');
}

describe('the script of a run', () => {
  it.each([
    ['short', ''],
    ['too long for a variable', `# ${'x'.repeat(120_000)}\n`],
  ])('stands in no command line, and runs as if it stood behind -c: %s', async (_, padding) => {
    const site = await openSite();
    const go = join(site.path, 'go');
    const mark = 'word-that-nobody-else-may-read';
    const lines = [
      `#!/bin/sh`,
      `: ${mark}`,
      `echo begun $#`,
      `env | grep -c KANADE_SCRIPT`,
      `read -r line || echo no input`,
      `until [ -e '${go}' ]; do sleep 0.02; done`,
      `trap 'echo "over" "and out"' EXIT`,
      `exit 7`,
    ];
    site.putJob('job.yaml', jobYaml({ id: 'job', script: `${padding}${lines.join('\n')}` }));
    await site.start();
    const person = await openPerson(site.socket);
    const run = await person.start('job');
    await person.sees(run, /no input/);
    expect(commandLines()).not.toContain(mark);
    writeFileSync(go, '');
    expect(await person.end(run)).toMatchObject({
      exit_code: 7,
      stdout_chunk: 'begun 0\n0\nno input\nover and out\n',
    });
    expect(readdirSync(join(site.data, 'staged'))).toEqual([]);
  });
});
