/** Whatever umask we are given: what we make is for its owner alone, from its first moment on, and we can work with it. */
import { chmodSync, chownSync, lstatSync, mkdirSync, readdirSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { openPlainPerson } from './plain-person.ts';
import { needRoot, openSite, type Site } from './site.ts';

beforeAll(needRoot);

/** Words that give a program another umask. */
const withUmask = (umask: string): readonly string[] => ['sh', '-c', `umask ${umask}; exec "$@"`, 'sh'];

const modeOf = (path: string): string => (lstatSync(path).mode & 0o7777).toString(8);

/** Directory and all below it that are open to others than their owner, with their modes. A socket is for everybody. */
function misfits(path: string): string[] {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined || found.isSymbolicLink()) return []; // gone again
  const own = (found.mode & 0o7077) === 0 ? [] : [`${path} ${modeOf(path)}`];
  return found.isDirectory() ? [...own, ...namesIn(path).flatMap((name) => misfits(`${path}/${name}`))] : own;
}

function namesIn(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return []; // gone again
  }
}

/** Looks at a directory again and again until `done`; resolves with everything that was ever open to others. */
async function everOpen(path: string, done: Promise<unknown>): Promise<string[]> {
  const seen = new Set<string>();
  let isDone = false;
  const ended = done.finally(() => {
    isDone = true;
  });
  while (!isDone) {
    for (const misfit of misfits(path)) seen.add(misfit);
    await new Promise(setImmediate);
  }
  await ended;
  return [...seen];
}

describe.each(['000', '777'])('umask %s', (umask) => {
  const before = withUmask(umask);

  it('a jobs root, with input, logs, matches, notifications and tags', async () => {
    await using site = await openSite({ before });
    await using reader = await openSite();
    const more = [
      '--stdin',
      'words',
      '--mask',
      'SECRET',
      '--env',
      'SECRET=x',
      '--output-pattern',
      'words',
      '--timeout',
      '60',
    ];
    const runs = site.call(['run', '--notify-file', `${site.root}/../events`, ...more, '--', 'cat']);
    const open = await everOpen(site.root, runs);
    const run = JSON.parse((await runs).stdout) as { job_id: string };
    expect(run).toMatchObject({ ok: true, stdout: 'words' });
    const id = run.job_id;
    await site.answer(['tag', 'set', '--tag', 'a.b', id]);
    expect(await site.answer(['restart', id])).toMatchObject({ ok: true });
    expect(await site.answer(['wait', id])).toMatchObject({ state: 'exited', exit_code: 0 });
    await site.answer(['create', '--', 'true']);
    await site.answer(['gc', '--older-than', '1d']);
    expect([...open, ...misfits(site.root)]).toEqual([]);
    expect(await reader.answer(['--root', site.root, 'status', id])).toMatchObject({ state: 'exited' });
  });

  it('an agent from its first start on, with a run and a result', async () => {
    await using site = await openSite({ before });
    const temp = `${site.path}/tmp`;
    mkdirSync(temp, { mode: 0o700 });
    site.offer('prints', 'echo printed');
    const agent = site.startAgent(['--server', 'nats://127.0.0.1:1', '--socket', `${site.path}/run/s`], {
      env: { TMPDIR: temp },
    });
    const open = await everOpen(site.data, agent.ready());
    await using person = await openPlainPerson(`${site.path}/run/s`);
    expect(await person.end(await person.start('prints'))).toMatchObject({
      status: 'completed',
      stdout_chunk: 'printed\n',
    });
    expect([...open, ...misfits(site.data)]).toEqual([]);
    expect([modeOf(`${site.path}/run`), modeOf(`${site.path}/run/s`)]).toEqual(['755', '666']);
    expect(await agent.end('SIGTERM')).toMatchObject({ status: 0 });
    expect(misfits(site.data)).toEqual([]);
  });
});

describe('umask 777 for somebody who is not root', () => {
  it('is one error, and no job that is lost later', async () => {
    const uid = 61_234;
    const asSomebody = ['setpriv', '--reuid', `${uid}`, '--regid', `${uid}`, '--clear-groups', ...withUmask('777')];
    await using site = await openSite({ before: asSomebody });
    chownSync(site.path, uid, uid);
    const run = await site.answer(['run', '--timeout', '60', '--', 'echo', 'ran']);
    if (run.ok) expect(run).toMatchObject({ state: 'exited', stdout: 'ran\n' });
    else expect(run).toMatchObject({ status: 1, error: { message: expect.stringContaining(site.root) } });
    expect(misfits(site.root)).toEqual([]);
  });
});

describe('the place of an agent', () => {
  const strangerUid = 61_234;

  /** Starts an agent on a place and gives what became of it: `ready`, or its words. */
  async function tried(site: Site, more: readonly string[] = []): Promise<string> {
    const agent = site.startAgent(more);
    const outcome = await agent.ready().then(
      () => 'ready',
      () => agent.text.stderr,
    );
    await agent.end('SIGTERM');
    return outcome;
  }

  interface Place {
    readonly name: string;
    /** Makes `path/place`, below which data directory and socket are to be. */
    readonly make: (place: string) => void;
    readonly refused?: RegExp;
  }

  const places: readonly Place[] = [
    { name: 'a directory of its own', make: (place) => mkdirSync(place, { mode: 0o700 }) },
    { name: 'a directory that others may read', make: (place) => mkdirSync(place, { mode: 0o755 }) },
    {
      name: 'an own directory below a sticky one for everybody',
      make: (place) => {
        mkdirSync(place);
        chmodSync(place, 0o1777);
        mkdirSync(`${place}/own`, { mode: 0o700 });
      },
    },
    {
      name: 'a directory that everybody may write to',
      make: (place) => {
        mkdirSync(place);
        chmodSync(place, 0o777);
      },
      refused: /written by (everybody|others)/,
    },
    {
      name: 'a directory of somebody else',
      make: (place) => {
        mkdirSync(place, { mode: 0o755 });
        chownSync(place, strangerUid, strangerUid);
      },
      refused: /belongs to (uid|user) 61234/,
    },
    {
      name: 'an own directory below one of somebody else',
      make: (place) => {
        mkdirSync(place, { mode: 0o755 });
        mkdirSync(`${place}/own`, { mode: 0o700 });
        chownSync(place, strangerUid, strangerUid);
      },
      refused: /belongs to (uid|user) 61234/,
    },
    {
      name: 'an own directory below one that everybody may write to',
      make: (place) => {
        mkdirSync(place);
        mkdirSync(`${place}/own`, { mode: 0o700 });
        chmodSync(place, 0o777);
      },
      refused: /written by (everybody|others)/,
    },
  ];

  it.each(places)('$name: data directory', async ({ make, refused }) => {
    await using site = await openSite();
    const place = `${site.path}/place`;
    make(place);
    const data = namesIn(place).includes('own') ? `${place}/own/data` : `${place}/data`;
    const outcome = await tried(site, ['--data-dir', data]);
    if (!refused) expect(outcome).toBe('ready');
    else {
      expect(outcome).toMatch(refused);
      expect(outcome).toContain(place);
    }
  });

  it.each(places)('$name: socket', async ({ make, refused }) => {
    await using site = await openSite();
    const place = `${site.path}/place`;
    make(place);
    const socket = namesIn(place).includes('own') ? `${place}/own/s` : `${place}/s`;
    const outcome = await tried(site, ['--socket', socket]);
    if (refused) expect([outcome, outcome.includes(place)]).toEqual([expect.stringMatching(refused), true]);
    else expect(outcome).toBe('ready');
  });

  it.each([
    ['somebody else', (data: string) => chownSync(data, strangerUid, strangerUid), /belongs to (uid|user) 61234/],
    ['everybody, for writing', (data: string) => chmodSync(data, 0o777), /written by (everybody|others)/],
    ['everybody, for writing, sticky', (data: string) => chmodSync(data, 0o1777), /written by (everybody|others)/],
  ])('a data directory that belongs to %s is refused', async (_name, give, refused) => {
    await using site = await openSite();
    mkdirSync(site.data, { mode: 0o700 });
    give(site.data);
    const outcome = await tried(site);
    expect([outcome, outcome.includes(site.data)]).toEqual([expect.stringMatching(refused), true]);
    expect(namesIn(site.data)).toEqual([]);
  });
});
