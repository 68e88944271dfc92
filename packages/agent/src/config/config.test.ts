import { describe, expect, it } from 'vitest';
import { parseArguments, parseConfig } from './config.ts';
import { readDocument } from './document.ts';
import type { ConfigFile } from './file.ts';
import type { Surroundings } from './surroundings.ts';

const around: Surroundings = {
  hostName: 'desk-7.example.org',
  isRoot: false,
  home: '/home/a',
  cwd: '/here',
  user: 'a',
};
const system = { host: 'desk-7.example.org', os: 'linux', arch: 'x64', user: 'a' };

/** A file as it would be read; what is wrong with it is in it. */
const fileOf = (text: string, env: Record<string, string> = {}): ConfigFile => ({
  path: '/etc/kanade/agent.toml',
  ...readDocument(new TextEncoder().encode(text), { system, env }),
});

function parsedOf(args: string[], env: Record<string, string> = {}, more: { text?: string; isRoot?: boolean } = {}) {
  const given = parseArguments(args);
  if (given.kind !== 'given') return given;
  const { text, isRoot = false } = more;
  return parseConfig(given.args, env, { ...around, isRoot }, text === undefined ? undefined : fileOf(text, env));
}

function configOf(...call: Parameters<typeof parsedOf>) {
  const parsed = parsedOf(...call);
  if (parsed.kind !== 'run') throw new Error(JSON.stringify(parsed));
  return parsed.config;
}

describe('parseConfig()', () => {
  it('fills in defaults', () => {
    expect(configOf([])).toEqual({
      pcId: 'desk-7-example-org',
      dataDir: '/home/a/.local/state/kanade/agent',
      logLevel: 'info',
      allowOwnUser: false,
      cwd: '/here',
      env: {},
    });
    expect(configOf([], {}, { isRoot: true }).dataDir).toBe('/var/lib/kanade');
  });

  it.each([
    ['data dir', ['--data-dir', 'd'], { KANADE_AGENT_DATA_DIR: '/e' }, { dataDir: '/here/d' }],
    ['data dir from the environment', [], { KANADE_AGENT_DATA_DIR: '/e', XDG_STATE_HOME: '/x' }, { dataDir: '/e' }],
    ['data dir from XDG', [], { XDG_STATE_HOME: '/x' }, { dataDir: '/x/kanade/agent' }],
    ['trace', [], { KANADE_KLP_TRACE: 't' }, { localTrace: { path: '/here/t', bodies: false } }],
    [
      'trace with bodies',
      [],
      { KANADE_KLP_TRACE: '/t', KANADE_KLP_TRACE_BODIES: '1' },
      { localTrace: { path: '/t', bodies: true } },
    ],
    ['socket', ['--socket', 's'], { KANADE_SOCKET: '/e' }, { socket: '/here/s' }],
    ['socket from the environment', [], { KANADE_SOCKET: '/e' }, { socket: '/e' }],
  ])('takes the %s from arguments first, then the environment', (_, args, env, expected) => {
    expect(configOf(args, env as Record<string, string>)).toMatchObject(expected);
  });

  it('passes on what is said of the broker, and does not look at it', () => {
    const args = ['--server', 'a', '--server', 'b', '--connection', 'c.yaml'];
    expect(parsedOf(args)).toMatchObject({ broker: { servers: ['a', 'b'], file: '/here/c.yaml' } });
    expect(parsedOf([])).toMatchObject({ broker: { servers: [], file: undefined, configured: undefined } });
  });

  it.each([
    [['--id', 'a/b'], /id of this machine/],
    [['--id', ''], /--id needs a value/],
    [['--server', ''], /--server needs a value/],
    [['--server', 'nats://token@h'], /everybody can read a command line/],
    [['--nonsense'], /nonsense/],
  ])('refuses %j', (args, message) => {
    expect(parsedOf(args)).toEqual({ kind: 'usage', message: expect.stringMatching(message) });
  });
});

describe('a configuration file', () => {
  const whole = `[agent]
id = "pc-042"
data_dir = "/srv/kanade"
socket = "run/s"
jobs = "jobs"
command_keys = "/etc/kanade/command-keys"
allow_own_user = true
nats_url = "nats://a:4222,nats://b:4222"

[broker]
connection = "agent.yaml"

[log]
level = "debug"
path = "/var/log/kanade/agent.log"
keep_days = 14
local_trace = "trace"
local_trace_bodies = true
`;

  it('says everything that arguments and the environment can say, its paths relative to itself', () => {
    expect(parsedOf([], {}, { text: whole })).toMatchObject({
      config: {
        pcId: 'pc-042',
        dataDir: '/srv/kanade',
        socket: '/etc/kanade/run/s',
        jobsDir: '/etc/kanade/jobs',
        commandKeys: '/etc/kanade/command-keys',
        allowOwnUser: true,
        logLevel: 'debug',
        logPath: '/var/log/kanade/agent.log',
        logKeepDays: 14,
        localTrace: { path: '/etc/kanade/trace', bodies: true },
      },
      broker: {
        servers: [],
        file: '/etc/kanade/agent.yaml',
        configured: { servers: 'nats://a:4222,nats://b:4222', from: 'agent.nats_url in /etc/kanade/agent.toml:8' },
      },
    });
  });

  it('counts behind arguments and the environment', () => {
    const env = {
      KANADE_AGENT_DATA_DIR: '/e',
      KANADE_SOCKET: '/e/s',
      KANADE_NATS_CONFIG: '/e/c',
      KANADE_NATS_URL: 'e',
    };
    const args = ['--id', 'x', '--socket', '/a/s', '--log-level', 'warn'];
    expect(parsedOf(args, env, { text: whole })).toMatchObject({
      config: { pcId: 'x', dataDir: '/e', socket: '/a/s', logLevel: 'warn', commandKeys: '/etc/kanade/command-keys' },
      broker: { file: '/e/c', configured: undefined },
    });
  });

  it('that says nothing changes nothing', () => {
    expect(configOf([], {}, { text: '# nothing\n[agent]\n[log]\n' })).toEqual(configOf([]));
  });

  it('may say a level as files of the ancestor do', () => {
    expect(configOf([], {}, { text: '[log]\nlevel = "WARN"\n' })).toMatchObject({ logLevel: 'warn' });
  });

  it.each<[string, string, object[]]>([
    [
      'a key that is misspelt, a table that is, and a key in the wrong table, all at once',
      '[log]\nlevl = "info"\n[agnet]\nid = "x"\n[broker]\nkeep_days = 3\n',
      [
        { line: 2, column: 1, key: 'log.levl', message: 'unknown key', suggestion: 'log.level' },
        { line: 3, column: 1, key: 'agnet', message: 'unknown key', suggestion: 'agent' },
        { line: 6, column: 1, key: 'broker.keep_days', message: 'unknown key', suggestion: 'log.keep_days' },
      ],
    ],
    ['a key that is like none', 'zzzzzzzz = 1\n', [{ line: 1, key: 'zzzzzzzz', message: 'unknown key' }]],
    [
      'values of other kinds, and ones that mean nothing',
      '[agent]\nid = 7\nallow_own_user = "yes"\nsocket = ""\n  data_dir = """\na\nb"""\n[log]\nkeep_days = -1\nlevel = "loud"\n',
      [
        { line: 2, key: 'agent.id', message: 'must be a text in quotes, not empty' },
        { line: 3, key: 'agent.allow_own_user', message: 'must be true or false' },
        { line: 4, key: 'agent.socket', message: 'must be a path in quotes, not empty' },
        { line: 5, column: 3, key: 'agent.data_dir' },
        { line: 9, key: 'log.keep_days', message: 'must be a whole number, not negative' },
        { line: 10, key: 'log.level', message: expect.stringContaining('is not one of trace, debug') },
      ],
    ],
    ['an id that cannot be one', 'agent = { id = "a b" }', [{ line: 1, column: 11, key: 'agent.id' }]],
    ['a login in an address', '[agent]\nnats_url = "nats://u:geheim@h"', [{ line: 2, message: /no credentials/ }]],
    ['TLS, which stands elsewhere', '[tls]\nca = "x"\n', [{ line: 1, key: 'tls', message: /connection file/ }]],
    ['what is no TOML', '[agent]\nid = "x\n', [{ line: 2, message: /no TOML/ }]],
    ['a table in the place of a value', '[agent.id]\n', [{ line: 1, key: 'agent.id' }]],
    ['a value in the place of a table', 'agent = 1\n', [{ line: 1, key: 'agent', message: 'must be a table' }]],
    ['days that never end', '[log]\nkeep_days = 999999\n', [{ line: 2, key: 'log.keep_days' }]],
    [
      'keys of objects',
      '[__proto__]\nid = "x"\n[agent]\nconstructor = 1\n',
      [{ line: 1 }, { key: 'agent.constructor' }],
    ],
  ])('is refused for %s', (_, text, faults) => {
    const parsed = parsedOf([], {}, { text });
    const expected = faults.map((fault) =>
      Object.fromEntries(
        Object.entries(fault).map(([key, value]) => [
          key,
          value instanceof RegExp ? expect.stringMatching(value) : value,
        ]),
      ),
    );
    expect(parsed).toMatchObject({ kind: 'refused', path: '/etc/kanade/agent.toml', faults: expected });
    expect(JSON.stringify(parsed)).not.toContain('geheim');
  });

  it('says what keys of the ancestor say in vain, and takes the rest of such a file', () => {
    const text =
      'state_db = "x"\n[agent]\nid = "pc"\nnats_url = "nats://h:4222"\ngroups = ["a"]\n[inventory]\nenabled = true\n';
    expect(configOf([], {}, { text }).pcId).toBe('pc');
    expect(fileOf(text).notes.map(({ line, key }) => [line, key])).toEqual([
      [1, 'state_db'],
      [5, 'agent.groups'],
      [6, 'inventory'],
    ]);
  });

  it('fills templates in its texts as the ancestor did', () => {
    const text = `[vars]
site = "lab-{{ env(name="ROOM", default="0") }}"
base = '{{ vars.site }}'
[agent]
id = "{{ vars.base }}-{{system.os}}" # {{ in a comment }}
nats_url = "nats://{{ env(name='BROKER') }}:4222"
[log]
path = '/var/log/{{ system.host }}-{{ system.user }}-{{ system.arch }}.log'
`;
    expect(configOf([], { ROOM: '7', BROKER: 'b' }, { text })).toMatchObject({
      pcId: 'lab-7-linux',
      logPath: '/var/log/desk-7.example.org-a-x64.log',
    });
    expect(configOf([], { BROKER: 'b' }, { text }).pcId).toBe('lab-0-linux');
    const parsed = parsedOf([], {}, { text });
    expect(parsed).toMatchObject({
      kind: 'refused',
      faults: [{ line: 6, key: 'agent.nats_url', message: expect.stringContaining('BROKER is not set') }],
    });
  });

  it.each([
    ['a condition', '{% if is_windows() %}\n[agent]\n{% endif %}\n', 1, /templates may stand in texts alone/],
    ['a condition in a text', '[agent]\nid = "{% if is_linux() %}a{% endif %}"\n', 2, /one file for each system/],
    ['a function', '[agent]\nid = "{{ is_linux() }}"\n', 2, /known are vars.NAME/],
    ['a filter', '[agent]\nid = "{{ system.host | upper }}"\n', 2, /is not carried out/],
    ['a variable that is not there', '[agent]\nid = "{{ vars.x }}"\n', 2, /vars.x is not set in this file/],
    [
      'a circle',
      '[vars]\na = "{{ vars.b }}"\nb = "{{ vars.a }}"\n[agent]\nid = "{{ vars.a }}"\n',
      5,
      /leads back to itself/,
    ],
    ['one outside of a text', '[log]\nkeep_days = {{ env(name="D") }}\n', 2, /templates may stand in texts alone/],
  ])('is refused for %s in a template', (_, text, line, message) => {
    const parsed = parsedOf([], {}, { text });
    expect(parsed).toMatchObject({ kind: 'refused', faults: [{ line, message: expect.stringMatching(message) }] });
  });
});
