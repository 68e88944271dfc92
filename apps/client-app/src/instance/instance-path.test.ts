import { expect, it } from 'vitest';
import { instancePath } from './instance-path.ts';

const around = { platform: 'linux', env: {}, uid: 1000, temporary: '/tmp' };

it.each([
  [around, /^\/tmp\/kanade-1000\/client-[0-9a-f]{12}$/],
  [{ ...around, uid: 1001 }, /^\/tmp\/kanade-1001\/client-[0-9a-f]{12}$/],
  [{ ...around, env: { XDG_RUNTIME_DIR: '/run/user/1000' } }, /^\/run\/user\/1000\/kanade\/client-[0-9a-f]{12}$/],
])('instancePath() of %j', (surroundings, path) => {
  expect(instancePath('/run/kanade/agent.sock', surroundings)).toMatch(path);
});

it('instancePath() is another one for each agent, and none on Windows', () => {
  expect(instancePath('/a', around)).not.toBe(instancePath('/b', around));
  expect(instancePath('/a', { ...around, platform: 'win32', uid: undefined })).toBeUndefined();
});
