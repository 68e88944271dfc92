/** Every id that somebody hands us and that could become a path is hostile: it names a direct child of its place, or nothing. */
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { natsServers, patienceMs, startNatsServer } from '@kanade/testkit';
import { describe, expect, it } from 'vitest';
import { openPlainBroker, orderOf } from './plain-broker.ts';
import { openPlainPerson } from './plain-person.ts';
import { openSite, rounds, type Site } from './site.ts';
import { treeOf } from './tree.ts';

/** Ways out of a directory, to a neighbour of the given name or back to a child of it. */
const waysTo = (child: string, neighbour: string, absolute: string): readonly string[] => [
  `../${neighbour}`,
  `./${child}`,
  `${child}/`,
  `${child}/.`,
  `${child}/../${child}`,
  `${child}/../../${neighbour}`,
  `..\\${neighbour}`,
  `C:\\${neighbour}`,
  `\\\\?\\${absolute}`,
  `${absolute}`,
  `//${absolute}`,
  `${child}.`,
  `${child} `,
  `${child}::$DATA`,
  `${child}\n`,
  '.',
  '..',
  '/',
  '~',
  'CON',
  'nul.json',
  'x'.repeat(5_000),
  `${'../'.repeat(200)}etc`,
  '\u2025/\uff0e\uff0e/\u202e',
  '%2e%2e%2f',
  'ｊｏｂ',
];

/** Ids put together by chance from what tends to hurt. The seed is the first word, so that a failure can be had again. */
function hostileIds(seed: number, count: number): readonly string[] {
  const pieces = [
    '..',
    '/',
    '\\',
    '.',
    ' ',
    '\n',
    '*',
    '~',
    '$HOME',
    '-',
    'a',
    'é',
    '\u202e',
    ':',
    'NUL',
    '%2f',
    '\ufeff',
    "'",
  ];
  let state = seed;
  const next = (below: number): number => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((state / 2_147_483_648) * below);
  };
  return Array.from({ length: count }, () => {
    const length = 1 + next(6);
    return Array.from({ length }, () => pieces[next(pieces.length)] ?? '').join('') || '.';
  }).filter((id) => !/^[A-Za-z0-9_-]{1,128}$/.test(id));
}

/** A jobs root with one ended job, and the same once more beside the root, whole and tempting. */
async function temptedSite(): Promise<{ site: Site; id: string; absolute: string }> {
  const site = await openSite();
  const run = await site.answer(['run', '--no-auto-gc', '--', 'echo', 'inside']);
  const id = String(run.job_id);
  const absolute = `${site.path}/decoy`;
  cpSync(`${site.root}/${id}`, absolute, { recursive: true });
  return { site, id, absolute };
}

const commandsWithId: readonly (readonly string[])[] = [
  ['status'],
  ['tail'],
  ['kill'],
  ['wait', '--until', '1'],
  ['start'],
  ['restart', '--no-wait'],
  ['delete'],
  ['delete', '--dry-run'],
  ['tag', 'set', '--tag', 'x'],
  ['notify', 'set', '--notify-file', '/nowhere/at/all'],
];

describe('an id of a local command', () => {
  it.each(commandsWithId.map((command, index) => [command.join(' '), command, index] as const))(
    '%s finds and changes nothing by a way out',
    async (_name, command, index) => {
      const { site, id, absolute } = await temptedSite();
      await using _site = site;
      const before = treeOf(site.path);
      // The real ways out for each command; of the rest, each has its share.
      const ways = waysTo(id, 'decoy', absolute).filter((way, at) => way.includes(absolute) || at % 5 === index % 5);
      const ids = [`../decoy`, `${id}/../../decoy`, '..', ...ways, ...hostileIds(index * 7 + 1, rounds(3))];
      for (const hostile of ids) {
        const { status, stdout, stderr } = await site.call([...command, '--', hostile]);
        const code = stdout === '' ? 'usage' : (JSON.parse(stdout) as { error?: { code?: string } }).error?.code;
        expect([hostile, status, code, stderr.includes('at ')]).toEqual(
          status === 2 ? [hostile, 2, 'usage', false] : [hostile, 1, 'job_not_found', false],
        );
      }
      expect(treeOf(site.path)).toEqual(before);
    },
  );

  it.each([
    ['a tag', ['run', '--tag', '../../x', '--', 'true']],
    ['a tag with a NUL written out', ['run', '--tag', 'a\\0b', '--', 'true']],
    ['an empty root', ['--root', '', 'list']],
  ])('%s that could be a path is a usage error and makes nothing', async (_name, words) => {
    await using site = await openSite();
    const { status, stdout } = await site.call(words);
    expect([status, stdout]).toEqual([2, '']);
    expect(readdirSync(site.path)).toEqual(['m']);
  });

  it.each([
    ['a file', '/etc/hostname'],
    ['below a file', '/etc/hostname/jobs'],
    ['below a device', '/dev/null/jobs'],
    ['too long', `/tmp/${'x'.repeat(300)}`],
    ['far too long', `/tmp${'/x'.repeat(3_000)}`],
    ['in the process table', '/proc/jobs'],
  ])('a root that is %s is one error', async (_name, root) => {
    await using site = await openSite();
    for (const words of [['run', '--', 'true'], ['list'], ['status', 'abc']]) {
      const answer = await site.answer(['--root', root, ...words]);
      if (words[0] === 'list') expect([0, 1]).toContain(answer.status);
      else expect(answer).toMatchObject({ ok: false, status: 1, error: { code: expect.any(String) } });
    }
  });
});

describe('an id that reaches the agent', () => {
  it('by the local socket: is refused, runs nothing, changes nothing', async () => {
    await using site = await openSite();
    site.offer('fine', `echo ran >> ${site.path}/mark`);
    writeFileSync(`${site.path}/decoy.yaml`, readFileSync(`${site.manifests}/fine.yaml`));
    writeFileSync(
      `${site.manifests}/hostile.yaml`,
      readFileSync(`${site.manifests}/fine.yaml`, 'utf8').replace('id: fine', 'id: ../decoy'),
    );
    const agent = site.startAgent();
    await agent.ready();
    await using person = await openPlainPerson(site.socket);
    expect(await person.call('jobs.list')).toMatchObject({ items: [{ id: 'fine' }] });
    const before = treeOf(site.path, (path) => path.startsWith(site.data));
    const nul = ['fine\0', '\0', '../fine\0.yaml', '__proto__', 'constructor'];
    const ids = [...waysTo('fine', 'decoy', `${site.path}/decoy`), ...nul, ...hostileIds(5, 12)];
    // A connection may ask 60 times in a minute.
    for (let from = 0; from < ids.length; from += 25) {
      await using stranger = await openPlainPerson(site.socket);
      for (const id of ids.slice(from, from + 25)) {
        expect((await stranger.ask('jobs.execute', { id })).error?.data?.kind, id).toMatch(/InvalidParams|NotFound/);
        expect((await stranger.ask('jobs.kill', { run_id: id })).error?.data?.kind, id).toMatch(
          /Unauthorized|NotFound|Inv/,
        );
      }
    }
    expect(treeOf(site.path, (path) => path.startsWith(site.data))).toEqual(before);
    expect(readdirSync(`${site.data}/jobs`).filter((name) => !name.startsWith('.'))).toEqual([]);
    const run = await person.start('fine');
    expect(await person.end(run)).toMatchObject({ status: 'completed' });
  });

  it('by an order or a bucket: runs nothing, changes nothing, and the agent goes on', async () => {
    const server = (await natsServers()).at(-1);
    await using broker = await startNatsServer({ path: server?.path ?? '' });
    await using site = await openSite();
    const env = { KANADE_NATS_URL: broker.url };
    await site.answer(['fleet', 'setup'], { env });
    mkdirSync(`${site.path}/decoy`);
    const agent = site.startAgent(['--server', broker.url]);
    await agent.ready();
    await using operator = await openPlainBroker(broker.url, ['results.>']);
    const before = treeOf(site.path, (path) => path.startsWith(site.data));
    const mark = `${site.path}/mark`;
    const nul = ['job\0', '\0', '../job\0'];
    const ids = [...waysTo('job', 'decoy', `${site.path}/decoy`), ...nul, ...hostileIds(11, rounds(20))].filter(
      (id) => !isToken(id),
    );
    for (const hostile of ids) {
      for (const field of ['id', 'request_id', 'exec_id'])
        await operator.publish('commands.pc.pc-1', orderOf(`echo ${field} >> ${mark}`, { [field]: hostile }));
    }
    const manifest = { id: '../decoy', version: '1', execute: { shell: 'sh', script: 'true', timeout: '5s' } };
    await operator.publish('$KV.jobs.hostile', manifest);
    const after = orderOf('echo after');
    await operator.publish('commands.pc.pc-1', after);
    await expect
      .poll(() => operator.results().find(({ request_id }) => request_id === after.request_id)?.stdout, {
        timeout: patienceMs,
      })
      .toBe('after\n');
    expect(operator.results().filter(({ exit_code }) => exit_code === 0)).toHaveLength(1);
    expect(treeOf(site.path, (path) => path.startsWith(site.data))).toEqual(before);
    expect(readdirSync(`${site.data}/jobs`).filter((name) => !name.startsWith('.'))).toHaveLength(1);
  });

  it.each([['..'], ['a/b'], ['.'], ['a b'], [''], ['a..b'], ['x'.repeat(5_000)]])(
    'as its own name, %j, is a usage error',
    async (id) => {
      await using site = await openSite();
      const { status, stdout } = await site.call([
        'agent',
        '--id',
        id,
        '--data-dir',
        site.data,
        '--socket',
        site.socket,
      ]);
      expect([status, stdout]).toEqual([2, '']);
      expect(readdirSync(site.path)).toEqual(['m']);
    },
  );
});

/** What may stand in an order as an id. */
const isToken = (text: string): boolean => /^[A-Za-z0-9_.-]{1,128}$/.test(text) && !/^\.|\.$|\.\./.test(text);
