import { existsSync, mkdirSync, rmdirSync } from 'node:fs';
import { expect, it } from 'vitest';
import { createControlGroup, isControlGroupOf, ownControlGroup, sweepControlGroups } from './control-group.ts';

it.each([
  ['/sys/fs/cgroup/a/kanade-j', true],
  ['/sys/fs/cgroup/kanade-j', true],
  ['/sys/fs/cgroup/a/kanade-other', false],
  ['/sys/fs/cgroup/../../tmp/kanade-j', false],
  ['/tmp/kanade-j', false],
])('isControlGroupOf(): %s', (path, expected) => {
  expect(isControlGroupOf(path, 'j')).toBe(expected);
});

if (ownControlGroup() !== undefined) {
  it('sweeps groups that nobody is in, once they are old, and nothing else', () => {
    const name = `sweep-${process.pid}`;
    const group = createControlGroup(name) ?? '';
    const other = `${ownControlGroup()}/not-ours-${process.pid}`;
    mkdirSync(other);
    sweepControlGroups();
    expect(existsSync(group)).toBe(true);
    sweepControlGroups(Date.now() + 61_000);
    expect([existsSync(group), existsSync(other)]).toEqual([false, true]);
    rmdirSync(other);
  });
}
