import { describe, expect, it } from 'vitest';
import { parseOptions } from './options.ts';

describe('parseOptions()', () => {
  it.each([
    [[], {}, { kind: 'serve', port: 0, open: false, socketPath: undefined }],
    [[], { KANADE_SOCKET: '/run/a.sock' }, { kind: 'serve', port: 0, open: false, socketPath: '/run/a.sock' }],
    [[], { KANADE_SOCKET: '' }, { kind: 'serve', port: 0, open: false, socketPath: undefined }],
    [
      ['--socket', '/run/b.sock'],
      { KANADE_SOCKET: '/run/a.sock' },
      { kind: 'serve', port: 0, open: false, socketPath: '/run/b.sock' },
    ],
    [['--port', '65535', '--open'], {}, { kind: 'serve', port: 65_535, open: true, socketPath: undefined }],
    [
      [],
      { KANADE_KLP_TRACE: '/tmp/t', KANADE_KLP_TRACE_BODIES: '1' },
      { kind: 'serve', port: 0, open: false, trace: { path: '/tmp/t', bodies: true } },
    ],
    [['--help', '--port', '8080'], {}, { kind: 'help' }],
    [
      ['autostart', 'on', '--socket', '/run/c.sock'],
      {},
      {
        kind: 'autostart',
        action: 'on',
        words: ['--socket', '/run/c.sock'],
        args: ['autostart', 'on', '--socket', '/run/c.sock'],
      },
    ],
    [['autostart', 'status'], {}, { kind: 'autostart', action: 'status', words: [], args: ['autostart', 'status'] }],
  ])('%j with %j', (args, env, options) => {
    expect(parseOptions(args, env)).toEqual(options);
  });

  it.each([
    [['autostart']],
    [['autostart', 'maybe']],
    [['autostart', 'on', 'off']],
    [['autostart', 'on', '--open']],
    [['--port', '65536']],
    [['--port', '']],
    [['--port', ' 80']],
    [['--nope']],
    [['x']],
    [['--socket', '']],
  ])('refuses %j as wrong usage', (args) => {
    expect(() => parseOptions(args, {})).toThrow(expect.objectContaining({ code: 'usage' }));
  });
});
