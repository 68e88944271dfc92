/** What an administrator does with a package, from the first install to the last file: on a machine of its own, under a real systemd. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { eventually, type TestMachine, tempDir } from '@kanade/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { call, program } from '../program.ts';
import { type Kind, makeVersions, openPackageSite, type PackageSite, type Versions } from './site.ts';

const kinds = ['deb', 'rpm', 'tarball'] as const satisfies Kind[];

let versions: Versions;
beforeAll(async () => {
  versions = await makeVersions(kinds, ['1.0.0', '1.0.1']);
});
afterAll(() => versions[Symbol.asyncDispose]());

const has = (machine: TestMachine, path: string): boolean => existsSync(machine.path(path));

/** What a package brings, and what the agent makes. */
const own = ['/opt/kanade', '/usr/bin/kanade', '/usr/bin/kanade-agent', '/usr/lib/systemd/system/kanade-agent.service'];
const kept = ['/etc/kanade/agent.yaml', '/var/lib/kanade', '/var/log/kanade'];

/** All that has our name in the places where we put something. */
function leftOvers(machine: TestMachine): string[] {
  const places = [
    '/etc',
    '/opt',
    '/run',
    '/usr/bin',
    '/usr/lib/systemd/system',
    '/usr/share/applications',
    '/var/lib',
    '/var/log',
  ];
  const more = ['/etc/systemd/system', '/etc/systemd/system/multi-user.target.wants', '/etc/xdg/autostart'];
  return [...places, ...more].flatMap((place) => {
    const names = has(machine, place) ? readdirSync(machine.path(place)) : [];
    return names.filter((name) => /kanade|agent-exec/.test(name)).map((name) => `${place}/${name}`);
  });
}

/** What runs there of kanade, and what its jobs left behind; not the operator and the broker of the test. */
const ofKanade = ({ machine }: PackageSite): string[] =>
  machine
    .processes()
    .filter((line) => /kanade|agent-exec|left-behind/.test(line) && !/^(\/srv|env|nsenter)/.test(line));

describe.each(kinds)('%s', (kind) => {
  it('is installed, upgraded under a running job, removed with what runs, and gone', async () => {
    await using site = await openPackageSite(kind, versions);
    const { machine, order } = site;
    const { heard } = await site.nextHeartbeat();
    await site.install('1.0.0');
    await heard;
    expect(await machine.ok('systemctl', 'is-enabled', 'kanade-agent')).toBe('enabled');
    await site.isOnline();
    expect(await order('echo "$HOME $USER $INVOCATION_ID"')).toMatchObject({ exit_code: 0, stdout: '/root root \n' });

    // The same version once more, the death of the agent, and an upgrade that is a job itself: all of it while another job runs.
    const job = await site.orderGated('through');
    writeFileSync(machine.path('/etc/kanade/agent.toml'), '# ours\n');
    const pids = [await site.mainPid()];
    await site.install('1.0.0');
    await site.isOnline();
    pids.push(await site.mainPid());
    await machine.ok('systemctl', 'kill', '--signal', 'KILL', '--kill-whom', 'main', 'kanade-agent');
    await site.isOnline();
    pids.push(await site.mainPid());
    expect(await order(site.installScript('1.0.1'))).toMatchObject({ exit_code: 0 });
    await site.isOnline();
    pids.push(await site.mainPid());
    expect(new Set(pids).size).toBe(4);
    job.letGo();
    expect(await job.ended).toMatchObject({ exit_code: 0, stdout: 'done\n' });
    expect(readFileSync(machine.path('/etc/kanade/agent.toml'), 'utf8')).toBe('# ours\n');
    expect(await site.installed()).toBe('1.0.1');

    // A removal does not end the job that it is.
    const refused = await order(site.removeScript);
    expect(refused).toMatchObject({ stderr: expect.stringContaining('systemd-run') });
    expect(refused.exit_code).not.toBe(0);

    // Removed while a job runs, while something is there that a job has left behind, and while somebody has the Client App open.
    const running = await site.orderGated('removed', 'true');
    await order('ln -s /bin/sleep /tmp/left-behind; setsid /tmp/left-behind 3600 >/dev/null 2>&1 &');
    machine.start('/usr/bin/kanade-client');
    for (const what of ['left-behind', 'kanade-client', 'kanade agent']) {
      await eventually(`${what} runs`, () => ofKanade(site).some((line) => line.includes(what)));
    }
    const said = await site.remove();
    expect(said).toContain('kept: settings in /etc/kanade');
    expect(said).toMatch(/ended job \S+, which was running/);
    expect(ofKanade(site)).toEqual([]);
    expect(own.filter((path) => has(machine, path))).toEqual([]);
    expect(kept.filter((path) => !has(machine, path))).toEqual([]);

    // What ended by the removal is told when kanade is there again.
    await site.install('1.0.1');
    await site.isOnline();
    expect((await running.ended).exit_code).not.toBe(0);
    await site.remove();
    await site.purge();
    expect(leftOvers(machine)).toEqual([]);
    expect(await machine.ok('systemctl', 'list-units', '--all', '--no-legend', 'kanade*')).toBe('');
  });
});

const guide = readFileSync(new URL('../../../../docs/guide/packages.md', import.meta.url), 'utf8');

/** The lines of the block below a heading. */
function linesOf(heading: string): string[] {
  const section = guide.split(/^## /m).find((text) => text.startsWith(heading)) ?? '';
  return /^```sh\n([\s\S]*?)^```$/m.exec(section)?.[1]?.trim().split('\n') ?? [];
}

const headings = { deb: 'Debian', rpm: 'Fedora', tarball: 'Any other' } as const satisfies Record<Kind, string>;

describe('docs/guide/packages.md', () => {
  it.each(Object.entries(headings) as [Kind, string][])('%s', async (kind, heading) => {
    await using site = await openPackageSite(kind, versions);
    await site.prepare('1.0.0');
    const lines = linesOf(heading);
    expect(lines.length).toBeGreaterThan(3);
    // The data base of rpm is empty on this machine, so nothing of what the package needs is known to it.
    for (const line of lines) await inSrv(site.machine, line.replace('rpm --upgrade', 'rpm --upgrade --nodeps'));
    expect(['/etc/kanade', '/opt/kanade'].filter((path) => existsSync(site.machine.path(path)))).toEqual([]);
    if (kind !== 'deb') return;
    await site.install('1.0.0');
    for (const line of linesOf('The unit')) await inSrv(site.machine, line);
  });

  it('making them', async () => {
    await using dir = await tempDir();
    const [line = ''] = linesOf('Making them');
    const made = line
      .replace('apps/kanade/dist/executable/linux-x64/kanade', program[0] ?? '')
      .replace('dist/packages', `${dir.path} --quick --kinds deb`);
    const words = ['sh', '-c', made];
    const cwd = new URL('../../../..', import.meta.url).pathname;
    const { status, stdout, stderr } = await call([], { words, cwd });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(JSON.parse(stdout)).toMatchObject({ kind: 'deb', file: `${dir.path}/kanade_1.0.0_amd64.deb` });
  });
});

const inSrv = (machine: { ok(...words: string[]): Promise<string> }, line: string): Promise<string> =>
  machine.ok('sh', '-c', `cd /srv && ${line}`);
