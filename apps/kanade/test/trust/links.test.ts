/**
 * Links planted where the product, running as root, makes and finds its files: by another user of the machine, before a run and
 * during it. Each is refused or passed by; what it points at is not touched, and no run is lost by it.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, lstatSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { eventually } from '@kanade/testkit';
import { beforeAll, describe, expect, it } from 'vitest';
import { openPlainPerson } from './plain-person.ts';
import { needRoot, openSite, type Site } from './site.ts';
import { treeOf } from './tree.ts';

/** Somebody else on this machine: no account is needed to own files. */
const strangerUid = 61_234;

beforeAll(needRoot);

/** Does something with files as that user; throws when it did not work. */
function asStranger(script: string, ...args: string[]): void {
  const words = ['--reuid', `${strangerUid}`, '--regid', `${strangerUid}`, '--clear-groups', 'sh', '-ec', script, 'sh'];
  const { status, stderr } = spawnSync('setpriv', [...words, ...args], { encoding: 'utf8', timeout: 60_000 });
  if (status !== 0) throw new Error(`the stranger could not: ${script} ${args.join(' ')}: ${stderr}`);
}

/**
 * Puts a link in the place of a directory that the product makes again whenever it finds none: between the two steps it may have,
 * so the stranger moves that one away as well, until the link lies there.
 */
function takePlace(directory: string, target: string): void {
  const script = 'n=0; until ln -sT "$2" "$1" 2>/dev/null; do n=$((n + 1)); mv -T "$1" "$1.moved.$n"; done';
  asStranger(script, directory, target);
}

/** A place in which a stranger may do everything, and a directory and a file beside it that are root's alone. */
async function sharedSite() {
  const site = await openSite();
  chmodSync(site.path, 0o755); // a temporary directory is private; this one stands for a shared place
  const victim = `${site.path}/victim`;
  mkdirSync(`${victim}/jobs`, { recursive: true, mode: 0o700 });
  for (const name of ['file', 'meta.json', 'state.json', 'stdout.log', 'full.log', 'ending', 'jobs/marker'])
    writeFileSync(`${victim}/${name}`, `precious ${name}\n`, { mode: 0o600 });
  mkdirSync(site.root, { mode: 0o777 });
  chmodSync(site.root, 0o777);
  const before = treeOf(victim);
  return { site, victim, isUntouched: () => expect(treeOf(victim)).toEqual(before) };
}

/** Lets the stranger into a job directory, as a careless administrator would. */
function openUp(path: string): void {
  chownSync(path, strangerUid, strangerUid);
  chmodSync(path, 0o777);
}

const idOf = (answer: Record<string, unknown>): string => String(answer.job_id);

/** Every command there is goes over the root; none may crash. */
async function goOver(site: Site, id: string): Promise<void> {
  for (const words of [
    ['status', id],
    ['tail', id],
    ['kill', id],
    ['tag', 'set', '--tag', 'x', id],
    ['list', '--all'],
    ['delete', id],
    ['gc', '--older-than', '0'],
  ]) {
    const { status, stderr } = await site.call(words);
    expect([words[0], [0, 1].includes(status ?? -1), stderr]).toEqual([words[0], true, '']);
  }
}

describe('a link that lies there before a run', () => {
  it.each([
    ['the keeper’s directory', '.host', ''],
    ['a directory in it', '.host/jobs', '/jobs'],
    ['its identity', '.host/host.json', '/file'],
    ['its lock', '.host/lock.db', '/file'],
    ['its list of launches', '.host/launches', '/file'],
  ])('in the place of %s is not followed, and no answer pretends', async (_name, at, to) => {
    const { site, victim, isUntouched } = await sharedSite();
    await using _site = site;
    if (at.includes('/')) asStranger('mkdir -m 777 "$1"', `${site.root}/.host`);
    asStranger('ln -s "$1" "$2"', `${victim}${to}`, `${site.root}/${at}`);
    const run = await site.answer(['run', '--timeout', '30', '--', 'echo', 'ran']);
    if (run.ok) expect(run).toMatchObject({ state: 'exited', stdout: 'ran\n' });
    else expect(run.error?.code).toMatch(/io_error|launch_failed|unsafe/);
    isUntouched();
  });

  it('in the place of a job is no job, for any command', async () => {
    const { site, victim, isUntouched } = await sharedSite();
    await using _site = site;
    const id = 'a'.repeat(32);
    asStranger('ln -s "$1" "$2"', victim, `${site.root}/${id}`);
    expect(await site.answer(['status', id])).toMatchObject({ error: { code: 'job_not_found' } });
    await goOver(site, id);
    isUntouched();
  });

  it.each(['stdout.log', 'stderr.log', 'full.log', 'ending', 'state.json', 'stop.json', 'completion_event.json'])(
    'in the place of %s of a job that is to be started is not followed',
    async (file) => {
      const { site, victim, isUntouched } = await sharedSite();
      await using _site = site;
      const notify = ['--notify-file', `${site.path}/events`, '--output-pattern', 'ran'];
      const id = idOf(await site.answer(['create', ...notify, '--', 'echo', 'ran']));
      openUp(`${site.root}/${id}`);
      asStranger('rm -f "$2"; ln -s "$1" "$2"', `${victim}/file`, `${site.root}/${id}/${file}`);
      await site.call(['start', '--wait', 'true', id]);
      await goOver(site, id);
      isUntouched();
    },
  );

  it('in the place of the root, or above it, in a directory for everybody, is not followed', async () => {
    const { site, victim, isUntouched } = await sharedSite();
    await using _site = site;
    const everybodys = `${site.path}/tmp`;
    mkdirSync(everybodys);
    chmodSync(everybodys, 0o1777);
    asStranger('ln -s "$1" "$2"', victim, `${everybodys}/link`);
    for (const root of [`${everybodys}/link`, `${everybodys}/link/new/jobs`]) {
      const run = await site.answer(['--root', root, 'run', '--', 'true']);
      expect(run).toMatchObject({ ok: false, status: 1 });
      expect(run.error?.message).toContain('link');
    }
    isUntouched();
  });

  it('in the place of the combined log is not followed, nor is its target cut', async () => {
    const { site, victim, isUntouched } = await sharedSite();
    await using _site = site;
    asStranger('ln -s "$1" "$2"', `${victim}/file`, `${site.root}/combined`);
    await site.answer(['run', '--log', `${site.root}/combined`, '--', 'echo', 'ran']);
    isUntouched();
  });
});

describe('a link that comes during a run', () => {
  /** A job that has begun, and ends when `go` is there. */
  async function running(site: Site, more: readonly string[] = []) {
    const script = `echo begun; while [ ! -e ${site.path}/go ]; do sleep 0.02; done; echo over`;
    const run = await site.answer(['run', '--no-wait', '--no-auto-gc', ...more, '--', 'sh', '-c', script]);
    await eventually('it has begun', () => readFileSync(String(run.stdout_log_path), 'utf8') !== '');
    return { id: idOf(run), go: () => writeFileSync(`${site.path}/go`, '') };
  }

  it.each(['stdout.log', 'full.log', 'state.json', 'ending', 'completion_event.json', 'notification_events.ndjson'])(
    'in the place of %s: nothing is written through it, and no success is made up',
    async (file) => {
      const { site, victim, isUntouched } = await sharedSite();
      await using _site = site;
      const { id, go } = await running(site, ['--notify-file', `${site.path}/events`, '--output-pattern', 'over']);
      openUp(`${site.root}/${id}`);
      asStranger('rm -f "$2"; ln -s "$1" "$2"', `${victim}/file`, `${site.root}/${id}/${file}`);
      go();
      await site.answer(['wait', '--until', '5', id]);
      await goOver(site, id);
      isUntouched();
    },
  );

  it('in the place of its directory: nothing is written through it, and the run is told where it was moved to', async () => {
    const { site, victim, isUntouched } = await sharedSite();
    await using _site = site;
    const notify = ['--notify-file', `${site.path}/events`, '--output-pattern', 'over', '--timeout', '60'];
    const { id, go } = await running(site, notify);
    asStranger('mv "$1" "$1.moved"; ln -s "$2" "$1"', `${site.root}/${id}`, victim);
    go();
    await eventually('it is over', () => readFileSync(`${site.root}/${id}.moved/stdout.log`, 'utf8').includes('over'));
    await goOver(site, id);
    asStranger('rm "$1"; mv "$1.moved" "$1"', `${site.root}/${id}`);
    expect(await site.answer(['wait', '--until', '60', id])).toMatchObject({ state: 'exited', exit_code: 0 });
    isUntouched();
  });

  it('in the place of the keeper’s directory: the next run works or says why not', async () => {
    const { site, victim, isUntouched } = await sharedSite();
    await using _site = site;
    const { id, go } = await running(site, ['--timeout', '60']);
    takePlace(`${site.root}/.host`, victim);
    const second = await site.answer(['run', '--timeout', '30', '--', 'true']);
    expect(second.ok === true || /io_error|unsafe/.test(second.error?.code ?? '')).toBe(true);
    go();
    expect(await site.answer(['wait', '--until', '60', id])).toMatchObject({ state: 'exited', exit_code: 0 });
    isUntouched();
  });
});

describe('what is planted for the agent', () => {
  it.each([
    ['in the place of its jobs', 'jobs'],
    ['in the place of its staging directory', 'staged'],
    ['in the place of its state', 'agent.db'],
    ['in the place of its lock', 'agent.lock'],
  ])('a link %s keeps it from starting, with words that name it', async (_name, at) => {
    const { site, victim, isUntouched } = await sharedSite();
    await using _site = site;
    mkdirSync(site.data, { mode: 0o700 });
    openUp(site.data);
    asStranger('ln -s "$1" "$2"', at.includes('.') ? `${victim}/file` : victim, `${site.data}/${at}`);
    const { status, stderr } = await ending(site);
    expect([status === 0, stderr.includes(site.data)]).toEqual([false, true]);
    isUntouched();
  });

  it('a link or a file in the place of its socket is not replaced', async () => {
    const { site, victim, isUntouched } = await sharedSite();
    await using _site = site;
    asStranger('ln -s "$1" "$2"', `${victim}/file`, `${site.root}/s`);
    const { status, stderr } = await ending(site, ['--socket', `${site.root}/s`]);
    expect([status === 0, stderr.includes(`${site.root}/s`)]).toEqual([false, true]);
    expect(lstatSync(`${site.root}/s`).isSymbolicLink()).toBe(true);
    isUntouched();
  });

  it.each([
    ['a link', 'ln -s "$1" "$2"'],
    ['a directory with a link', 'mkdir "$2"; ln -s "$1" "$2/link"; echo mine > "$2/file"'],
  ])('%s where a script of a person could be staged stays as it is', async (_name, plant) => {
    const { site, victim, isUntouched } = await sharedSite();
    await using _site = site;
    const temp = `${site.path}/tmp`;
    mkdirSync(temp);
    chmodSync(temp, 0o1777);
    site.offer('slow', `echo begun; while [ ! -e ${site.path}/go ]; do sleep 0.02; done; echo over`);
    const agent = site.startAgent([], { env: { TMPDIR: temp } });
    await agent.ready();
    await using person = await openPlainPerson(site.socket);
    const run = await person.start('slow');
    const planted = `${temp}/kanade-run-${run}`;
    asStranger(plant, victim, planted);
    writeFileSync(`${site.path}/go`, '');
    expect(await person.end(run)).toMatchObject({ status: 'completed' });
    await agent.end('SIGTERM');
    isUntouched();
    if (plant.startsWith('mkdir')) expect(existsSync(`${planted}/file`)).toBe(true);
  });

  /** How an agent ends that must not start; one that starts is ended. */
  async function ending(site: Site, args: readonly string[] = []) {
    const agent = site.startAgent(args);
    const ready = agent.ready().then(
      () => agent.end('SIGTERM'),
      () => agent.ended,
    );
    return await ready;
  }
});
