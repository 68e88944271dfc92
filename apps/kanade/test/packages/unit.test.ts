/** The unit of the agent: what a job may do under it, what a site may forbid, and what happens when the agent cannot start. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { eventually } from '@kanade/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeVersions, openPackageSite, type PackageSite, type Versions } from './site.ts';

let versions: Versions;
let site: PackageSite;
beforeAll(async () => {
  versions = await makeVersions(['deb'], ['1.0.0']);
  site = await openPackageSite('deb', versions);
  await site.install('1.0.0');
  await site.isOnline();
});
afterAll(async () => {
  await site[Symbol.asyncDispose]();
  await versions[Symbol.asyncDispose]();
});

const unit = '/usr/lib/systemd/system/kanade-agent.service';

/** Ends once it is in a control group of its own, below that of the agent. */
const untilInGroup = 'until grep -q "/kanade-agent.service/kanade-" /proc/self/cgroup; do sleep 0.05; done';

describe('kanade-agent.service', () => {
  it('has no fault that systemd knows', async () => {
    expect(await site.machine.run('systemd-analyze', 'verify', unit)).toEqual({ status: 0, stdout: '', stderr: '' });
  });

  it('starts an agent with the settings and the log that the package brings', async () => {
    const { machine } = site;
    const checked = await machine.run('/usr/bin/kanade-agent', 'config', 'check');
    expect(checked).toMatchObject({ status: 0, stderr: '' });
    expect(readFileSync(machine.path('/var/log/kanade/agent.log'), 'utf8')).toContain('the agent is ready');
    expect(await machine.ok('stat', '--format', '%a %U', '/var/log/kanade', '/var/lib/kanade')).toBe(
      '750 root\n700 root',
    );
  });

  it('lets a job do what an administrator may do', async () => {
    const { machine, order } = site;
    const works = [
      'touch /usr/local/bin/tool && chmod u+s /usr/local/bin/tool',
      'mkdir -p /srv/disk && mount -t tmpfs none /srv/disk && touch /srv/disk/here',
      'hostname pc-8 && hostname pc-7',
      'unshare --mount true',
      'setpriv --reuid=65534 --regid=65534 --clear-groups id -u | grep -qx 65534',
      'echo seen > /tmp/of-a-job',
      'sysctl -w net.ipv4.ip_forward=1',
    ];
    for (const script of works) expect(await order(script)).toMatchObject({ exit_code: 0 });
    // Not in a world of its own: people see what it did.
    expect(existsSync(machine.path('/srv/disk/here'))).toBe(true);
    expect(readFileSync(machine.path('/tmp/of-a-job'), 'utf8')).toBe('seen\n');
  });

  it('gives each job a control group of its own, below that of the agent', async () => {
    expect(await site.order(untilInGroup)).toMatchObject({ exit_code: 0 });
  });

  it('stays when the kernel ends a job', async () => {
    const before = await site.mainPid();
    const group = await site.machine.ok(
      'systemctl',
      'show',
      '--property',
      'OOMPolicy,KillMode,Delegate',
      'kanade-agent',
    );
    expect(group.split('\n').sort()).toEqual(['Delegate=yes', 'KillMode=process', 'OOMPolicy=continue']);
    expect(await site.order('kill -9 $$')).toMatchObject({ exit_code: -1 });
    expect(await site.mainPid()).toBe(before);
  });

  it('leaves time between attempts of an agent that cannot start, and takes the next good one', async () => {
    const { machine } = site;
    const connection = machine.path('/etc/kanade/agent.yaml');
    const good = readFileSync(connection, 'utf8');
    writeFileSync(connection, 'servers: nonsense: [\n');
    const show = ['systemctl', 'show', '--property', 'SubState', '--value', 'kanade-agent'];
    await machine.run('systemctl', 'restart', 'kanade-agent');
    await eventually('it has a pause', async () => (await machine.ok(...show)) === 'stop-post');
    writeFileSync(connection, good);
    await machine.ok('systemctl', 'restart', 'kanade-agent');
    await site.isOnline();
  });
});

describe('hardening.conf', () => {
  it('forbids what it says, and an agent still works', async () => {
    const { machine, order } = site;
    const dir = '/etc/systemd/system/kanade-agent.service.d';
    await machine.ok('mkdir', '-p', dir);
    await machine.ok('cp', '/opt/kanade/share/hardening.conf', dir);
    expect(await machine.run('systemd-analyze', 'verify', unit)).toEqual({ status: 0, stdout: '', stderr: '' });
    await machine.ok('systemctl', 'daemon-reload');
    // As on a machine on which no agent has come as far as making its place.
    await machine.ok('systemctl', 'stop', 'kanade-agent');
    await machine.ok('rm', '-rf', '/var/lib/kanade');
    await machine.ok('systemctl', 'start', 'kanade-agent');
    await site.isOnline();
    for (const script of ['touch /usr/local/x', 'touch /root/x', 'mount -t tmpfs none /srv', 'touch /etc/kanade/x']) {
      expect((await order(script)).exit_code).not.toBe(0);
    }
    expect(await order('df / && ps ax && uname -a && touch /tmp/x')).toMatchObject({ exit_code: 0 });
    const job = await site.orderGated('hard', untilInGroup);
    await machine.ok('systemctl', 'restart', 'kanade-agent');
    await site.isOnline();
    job.letGo();
    expect(await job.ended).toMatchObject({ exit_code: 0 });
  });
});
