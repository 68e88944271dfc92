import { describe, expect, it } from 'vitest';
import { parseConfig, type Surroundings } from './config.ts';

const around: Surroundings = { hostName: 'desk-7.example.org', isRoot: false, home: '/home/a', cwd: '/here' };
const configOf = (args: string[], env: Record<string, string> = {}, more: Partial<Surroundings> = {}) => {
  const parsed = parseConfig(args, env, { ...around, ...more });
  if (parsed.kind !== 'run') throw new Error(JSON.stringify(parsed));
  return parsed.config;
};

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
    expect(parseConfig(args, {}, around)).toMatchObject({ broker: { servers: ['a', 'b'], file: 'c.yaml' } });
    expect(parseConfig([], {}, around)).toMatchObject({ broker: { servers: [], file: undefined } });
  });

  it.each([
    [['--id', 'a/b'], /id of this machine/],
    [['--id', ''], /--id needs a value/],
    [['--server', ''], /--server needs a value/],
    [['--server', 'nats://token@h'], /everybody can read a command line/],
    [['--nonsense'], /nonsense/],
  ])('refuses %j', (args, message) => {
    expect(parseConfig(args, {}, around)).toEqual({ kind: 'usage', message: expect.stringMatching(message) });
  });
});
