/** The configuration file of an agent that starts: which one counts, and what is not relied upon. */
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { tempDir } from '@kanade/testkit';
import { describe, expect, it } from 'vitest';
import { readAgentToml } from '../src/config/file.ts';
import { limits } from '../src/limits.ts';
import { openSite } from './agent-process.ts';
import { openPerson } from './person.ts';

/** A place for an agent whose file says all of it, and what `config` says of that. */
async function openConfigured(text: string) {
  const site = await openSite();
  const config = join(site.path, 'agent.toml');
  writeFileSync(config, text, { mode: 0o644 });
  const env = { HOME: site.path, XDG_CONFIG_HOME: join(site.path, 'none') };
  const ask = async (...words: string[]) => {
    const { code, stdout, stderr } = await site.run(['config', ...words], env);
    return { code, stderr, answer: JSON.parse(stdout || 'null') };
  };
  return { ...site, config, env, ask };
}

function exchange(path: string, put: () => void): void {
  rmSync(path);
  put();
}

describe('an agent with a configuration file', () => {
  it('is what the file says, and logs what it says in vain', async () => {
    const site = await openConfigured(
      '[agent]\nid = "not-this"\ngroups = ["a"]\n[log]\npath = "logs/a.log"\nkeep_days = 2\n',
    );
    const agent = await site.start({ env: { ...site.env, KANADE_AGENT_CONFIG: site.config } });
    expect(agent.ready).toMatchObject({ pc_id: 'pc-1', socket: site.socket });
    expect(agent.log()).toMatch(/"key":"agent.groups".*"line":3|"line":3.*"key":"agent.groups"/);
    const kept = readFileSync(join(site.path, 'logs/a.log'), 'utf8');
    expect(kept).toContain('"msg":"the agent is ready"');
    expect(statSync(join(site.path, 'logs')).mode & 0o777).toBe(0o750);
    expect(existsSync(join(site.data, 'agent.log'))).toBe(false);
    // Whoever reads its log reads that one.
    const lines = (await (await openPerson(site.socket)).call('system.log_tail', { lines: 1000 })).lines;
    expect(lines.some((line) => line.includes('the agent is ready'))).toBe(true);
    await agent.end();

    chmodSync(join(site.path, 'logs'), 0o777);
    const { code, stderr } = await site.run(
      ['--config', site.config, '--data-dir', site.data, '--socket', site.socket],
      site.env,
    );
    expect(code).toBe(9);
    expect(stderr).toMatch(/log\.path .*logs can be written by others/);
    const { answer } = await site.ask('check', '--config', site.config);
    expect(answer.faults).toMatchObject([{ key: 'log.path', source: `${site.config}:5` }]);
  });

  it.each<[string, (path: string) => void, RegExp]>([
    ['is broken', (path) => writeFileSync(path, '[agent\n'), /^it is no TOML/],
    ['is cut within a text', (path) => truncateSync(path, 14), /^it is no TOML/],
    ['is no text', (path) => writeFileSync(path, new Uint8Array([0xff, 0xfe, 0])), /not written in UTF-8/],
    ['is too large', (path) => truncateSync(path, limits.configFileBytesMax + 1), /the limit is 65536 bytes/],
    ['may be written by others', (path) => chmodSync(path, 0o666), /others may write it \(mode 0666\)/],
    ['lies where others may write', (path) => chmodSync(dirname(path), 0o777), /can be written by others/],
    ['belongs to somebody else', (path) => chownSync(path, 4242, 4242), /it belongs to user 4242/],
    ['is a directory', (path) => exchange(path, () => mkdirSync(path)), /it is no file/],
    ['is gone', (path) => rmSync(path), /there is no such file/],
    ['leads nowhere', (path) => exchange(path, () => symlinkSync(`${path}.gone`, path)), /there is no such file/],
  ])('relies on no file that %s, by whichever way it is found', async (what, harm, said) => {
    if (what.startsWith('belongs') && process.getuid?.() !== 0) return; // nobody else gives files away
    await using dir = await tempDir();
    const path = join(dir.path, 'kanade/agent.toml');
    mkdirSync(dirname(path));
    writeFileSync(path, '[agent]\nid = "pc-7"\n', { mode: 0o644 });
    harm(path);
    const around = { hostName: 'h', isRoot: false, home: dir.path, cwd: dir.path, user: 'u' };
    const refused = { path, values: new Map(), faults: [{ message: expect.stringMatching(said) }], notes: [] };
    expect(await readAgentToml('kanade/agent.toml', {}, around)).toMatchObject(refused);
    expect(await readAgentToml(undefined, { KANADE_AGENT_CONFIG: path }, around)).toMatchObject(refused);
    const looked = await readAgentToml(undefined, { XDG_CONFIG_HOME: dir.path }, around);
    if (what === 'is gone') expect(looked).toBeUndefined();
    else expect(looked).toMatchObject(refused);
  });

  it('tells every fault at once, with its place and what was meant', async () => {
    const site = await openConfigured('[agent]\nid = 7\nsockte = "s"\n[log]\nlevel = "loud"\n');
    const { code, stdout, stderr } = await site.run(['--config', site.config], site.env);
    expect({ code, stdout }).toEqual({ code: 9, stdout: '' });
    expect(stderr.split('\n').slice(1, 4)).toEqual([
      `  ${site.config}:2:1: agent.id: must be a text in quotes, not empty`,
      `  ${site.config}:3:1: agent.sockte: unknown key; did you mean agent.socket?`,
      expect.stringMatching(/agent\.toml:5:1: log\.level: is not one of/),
    ]);
    const { code: verdict, answer } = await site.ask('check', '--config', site.config);
    expect(verdict).toBe(1);
    expect(answer).toMatchObject({ ok: false, file: site.config, error: { code: 'config_unusable', exit_code: 9 } });
    expect(answer.faults).toHaveLength(3);
    expect(answer.faults[1]).toEqual({
      line: 3,
      column: 1,
      key: 'agent.sockte',
      message: 'unknown key',
      suggestion: 'agent.socket',
      source: site.config,
    });
  });

  it('shows where each value comes from, and no secret', async () => {
    const site = await openConfigured('[log]\nlevel = "warn"\n');
    const env = { ...site.env, KANADE_NATS_TOKEN: 'geheim', KANADE_NATS_URL: '' };
    const shown = await site.run(['config', 'show', '--config', site.config, '--id', 'x', '--human'], env);
    expect(shown.code).toBe(0);
    expect(shown.stdout).toMatch(/^agent\.id +x +argument --id$/m);
    expect(shown.stdout).toMatch(new RegExp(`^log\\.level +warn +${site.config}:2$`, 'm'));
    expect(shown.stdout).toMatch(/^broker\.token +\(hidden\) +environment KANADE_NATS_TOKEN$/m);
    expect(shown.stdout).toMatch(/^log\.keep_days +- +default$/m);
    const login = { ...site.env, KANADE_NATS_URL: 'nats://u:geheim@h:4222' };
    const { stdout } = await site.run(['config', 'show', '--config', site.config], login);
    const { settings, broker } = JSON.parse(stdout);
    expect(settings).toContainEqual({
      key: 'agent.nats_url',
      value: '(hidden)@h:4222',
      is_hidden: true,
      from: { kind: 'environment', name: 'KANADE_NATS_URL' },
    });
    expect(broker).toEqual({ servers: ['nats://h:4222'], identity: expect.any(String) });
    expect(`${stdout}${shown.stdout}`).not.toContain('geheim');
  });

  it('checks what the file leads to: jobs, and how the broker is reached', async () => {
    const site = await openConfigured(
      '[agent]\njobs = "nowhere"\nnats_url = "http://h"\n[broker]\nconnection = "agent.yaml"\n',
    );
    const { code, answer } = await site.ask('check', '--config', site.config);
    expect(code).toBe(1);
    expect(answer.faults).toMatchObject([
      { key: 'agent.jobs', source: `${site.config}:2` },
      { key: 'broker', message: expect.stringContaining('agent.yaml'), source: `${site.config}:5` },
    ]);
    writeFileSync(join(site.path, 'agent.yaml'), 'servers: [nats://a:4222]\n', { mode: 0o644 });
    const next = await site.ask('check', '--config', site.config);
    expect(next.answer.faults[1].message).toContain(`agent.nats_url in ${site.config}:3`);
  });

  it('takes no other word', async () => {
    const site = await openConfigured('');
    const { code, stdout, stderr } = await site.run(['config', 'chekc'], site.env);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/config takes check or show: "chekc"/);
  });
});
