import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { eventually } from '@kanade/testkit';
import { expect, it, onTestFinished } from 'vitest';
import { methodRules } from '../src/local/rules.ts';
import { jobYaml, openSite, program, type Site } from './agent-process.ts';

const ann = 61_001;
const bob = 61_002;
const daemon = 61_003;
/** In no list of this machine. */
const far = 61_010;
const farRow = `far:x:${far}:${far}::/:/bin/sh`;

/** Only root can play other users; then the agent gets an account list of its own, which no other process sees. */
const ownMounts = ['--mount', '--propagation', 'private'];
const canPlayUsers =
  process.getuid?.() === 0 && spawnSync('unshare', [...ownMounts, 'mount', '-t', 'tmpfs', 'none', '/mnt']).status === 0;

const accounts = [
  `ann:x:${ann}:${ann}::/:/bin/sh`,
  `bob:x:${bob}:${bob}::/:/bin/sh`,
  `daemon61:x:${daemon}:${daemon}::/:/usr/sbin/nologin`,
];

/** Starts an agent that serves people, with the accounts above among them. */
async function startForPeople(site: Site): Promise<void> {
  const passwd = join(site.path, 'passwd');
  writeFileSync(passwd, `${readFileSync('/etc/passwd', 'utf8')}${accounts.join('\n')}\n`);
  // Plays a directory service that knows one more person, and answers for another with somebody else.
  const getent = join(site.path, 'getent');
  const answers = [`${far}) echo ${farRow} ;;`, `${far + 1}) echo ${farRow} ;;`, '*) exit 2 ;;'];
  writeFileSync(getent, `#!/bin/sh\ncase "$2" in\n${answers.join('\n')}\nesac\n`, { mode: 0o755 });
  chmodSync(site.path, 0o755);
  const words = ['--id', 'pc-1', '--data-dir', site.data, '--socket', site.socket, '--jobs', site.jobs];
  const script = 'mount --bind "$0" /etc/passwd && mount --bind "$1" "$(command -v getent)" && shift && exec "$@"';
  const child = spawn('unshare', [...ownMounts, 'sh', '-c', script, passwd, getent, ...program(), ...words], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  onTestFinished(() => ended(child));
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  expect(JSON.parse((await lines.next()).value ?? '{}')).toMatchObject({ type: 'agent.ready' });
}

interface Tap {
  readonly lines: Record<string, unknown>[];
  readonly code: Promise<number | null>;
}

const hello = ['system.handshake', '{"client":"klp-tap","client_version":"0","protocol":[1]}'];

/** Runs klp-tap as a user. */
function tapAs(uid: number, site: Site, ...words: string[]): Tap {
  const bin = join(import.meta.dirname, '../../klp/src/bin.ts');
  const child = spawn(process.execPath, ['--conditions=@kanade/source', bin, '--path', site.socket, ...words], {
    uid,
    gid: uid,
    cwd: '/',
    env: { PATH: process.env.PATH },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  onTestFinished(() => ended(child));
  const lines: Record<string, unknown>[] = [];
  createInterface(child.stdout).on('line', (line) => lines.push(JSON.parse(line)));
  return { lines, code: new Promise((resolve) => child.once('close', resolve)) };
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await exit;
}

const methodsOfRuns = Object.entries(methodRules).flatMap(([method, need]) => (need === 'own_run' ? [method] : []));

const pushed = ({ lines }: Tap) => lines.flatMap((line) => (line.push === 'jobs.progress' ? [line.params] : []));
const answer = ({ lines }: Tap, method: string) => lines.find((line) => line.method === method);

if (canPlayUsers) {
  it('two users of one machine: neither sees or stops the runs of the other', async () => {
    const site = await openSite();
    const go = join(site.path, 'go');
    const loop = `until [ -e ${go} ]; do echo of ann; sleep 0.1; done`;
    site.putJob('slow.yaml', jobYaml({ id: 'slow', script: loop }));
    site.putJob('quick.yaml', jobYaml({ id: 'quick', script: 'echo of bob; sleep 1' }));
    await startForPeople(site);

    const first = tapAs(ann, site, '--follow', ...hello, 'jobs.subscribe', 'jobs.execute', '{"id":"slow"}');
    const runId = await eventually('the run of ann', () => {
      const result = answer(first, 'jobs.execute')?.result as { run_id: string } | undefined;
      return JSON.stringify(pushed(first)).includes('of ann') && result?.run_id;
    });

    const second = tapAs(
      bob,
      site,
      '--pushes',
      '3',
      ...hello,
      'jobs.subscribe',
      'jobs.list',
      'jobs.execute',
      '{"id":"quick"}',
    );
    expect(await second.code).toBe(0);
    const own = (answer(second, 'jobs.execute')?.result as { run_id: string } | undefined)?.run_id;
    expect(pushed(second).map((progress) => (progress as { run_id: string }).run_id)).toEqual([own, own, own]);
    expect(JSON.stringify(second.lines)).not.toMatch(new RegExp(`${runId}|of ann`));

    // Every method that takes a run, by the table: what does not exist is answered in the same words.
    for (const method of methodsOfRuns) {
      const ask = async (run_id: string): Promise<unknown> => {
        const tap = tapAs(bob, site, ...hello, method, JSON.stringify({ run_id, stream: 'stdout' }));
        expect(await tap.code).toBe(1);
        return answer(tap, method)?.error;
      };
      const refusal = await ask(String(runId));
      expect(refusal).toMatchObject({ kind: 'Unauthorized' });
      expect(await ask('nothing')).toEqual(refusal);
    }
    expect(pushed(first).some((progress) => (progress as { status: string }).status === 'killed')).toBe(false);

    const reads = tapAs(ann, site, ...hello, 'jobs.output', JSON.stringify({ run_id: runId, stream: 'stdout' }));
    expect(await reads.code).toBe(0);
    expect(answer(reads, 'jobs.output')?.result).toMatchObject({ text: expect.stringMatching(/^of ann\n/), from: 0 });
    const fifth = tapAs(ann, site, ...hello, 'jobs.kill', JSON.stringify({ run_id: runId }));
    expect(await fifth.code).toBe(0);
    await eventually('ann to see her run killed', () => JSON.stringify(pushed(first)).includes('"killed"'));
    expect(JSON.stringify(first.lines)).not.toContain(String(own));

    // The log of the agent tells of both: each gets what happened, and which runs were their own.
    const logOf = async (uid: number): Promise<string[]> => {
      const asked = tapAs(uid, site, ...hello, 'system.log_tail', '{"lines":100000}');
      expect(await asked.code).toBe(0);
      const result = answer(asked, 'system.log_tail')?.result as { lines: string[] } | undefined;
      return result?.lines ?? [];
    };
    const [ofAnn, ofBob] = [await logOf(ann), await logOf(bob)];
    const runsIn = (lines: string[]) => new Set(lines.flatMap((line) => JSON.parse(line).run_id ?? []));
    expect(runsIn(ofAnn)).toEqual(new Set([runId]));
    expect(runsIn(ofBob)).toEqual(new Set([own]));
    expect(readFileSync(join(site.data, 'agent.log'), 'utf8')).toMatch(new RegExp(`${runId}|manifest_id`));
    for (const line of [...ofAnn, ...ofBob])
      expect(['level', 'time', 'msg', 'run_id']).toEqual(expect.arrayContaining(Object.keys(JSON.parse(line))));
    // The other one comes back later: he missed nothing of his, and nothing of hers is his.
    const back = tapAs(bob, site, '--pushes', '1', ...hello, 'jobs.subscribe');
    expect(await back.code).toBe(0);
    expect(pushed(back)).toMatchObject([{ run_id: own, status: 'completed', stdout_chunk: 'of bob\n' }]);
  });

  it('a user whom the policy refuses gets the refusal and nothing else', async () => {
    const site = await openSite();
    await startForPeople(site);
    const refused = tapAs(daemon, site, 'system.ping');
    expect(await refused.code).toBe(3);
    expect(refused.lines).toEqual([{ error: { kind: 'Unauthorized', detail: `uid ${daemon} has no login shell` } }]);
    const distant = tapAs(far, site, ...hello);
    expect(await distant.code).toBe(0);
    const wrong = tapAs(far + 1, site, 'system.ping');
    expect(await wrong.code).toBe(3);
    const unknown = tapAs(61_004, site, 'system.ping');
    expect(await unknown.code).toBe(3);
    expect(unknown.lines).toEqual([{ error: { kind: 'Unauthorized', detail: 'uid 61004 has no account' } }]);
  });
}
