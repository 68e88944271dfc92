import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, it } from 'vitest';
import { ownIdentity, type ProcessEntry, type ProcessIdentity, readProcess } from '../identity.ts';
import { type TreeTarget, treeVariable } from '../tree.ts';
import {
  controlGroupMembers,
  controlGroupOf,
  createControlGroup,
  ownControlGroup,
  removeControlGroup,
} from './control-group.ts';
import { attach, createEncloser, expelStranger, moveTo } from './enclose.ts';

/** A tree whose members carry its mark; its leader is gone. */
const target: TreeTarget = {
  leader: { ...(ownIdentity() as ProcessIdentity), pid: 2 ** 22 + 1, start: '0' },
  mark: 'enclosed',
};

async function processWith(mark: string) {
  const child = spawn('sleep', ['600'], { stdio: 'ignore', env: { ...process.env, [treeVariable]: mark } });
  await once(child, 'spawn');
  const gone = once(child, 'exit');
  return {
    entry: readProcess(child.pid as number) as ProcessEntry,
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await gone;
    },
  };
}

const groupOf = (name: string): string => createControlGroup(`${name}-${process.pid}`) ?? '';

it.runIf(ownControlGroup())('attach() brings a member in, and not a stranger who has its pid by now', async () => {
  const group = groupOf('attach');
  {
    await using member = await processWith('enclosed');
    await using stranger = await processWith('another');
    await using later = await processWith('enclosed');
    for (const entry of [member.entry, stranger.entry, { ...later.entry, start: '1' }])
      await attach(group, entry, target);
    expect(controlGroupMembers(group)).toEqual([member.entry.pid]);
  }
  expect(removeControlGroup(group)).toBe(true);
});

it.runIf(ownControlGroup())('expelStranger() sends back whom the kernel took for a member', async () => {
  const group = groupOf('expel');
  {
    await using member = await processWith('enclosed');
    await using stranger = await processWith('another');
    const home = controlGroupOf(stranger.entry.pid);
    for (const { pid } of [member.entry, stranger.entry]) {
      await moveTo(group, pid);
      await expelStranger(group, pid, target);
    }
    expect([controlGroupOf(stranger.entry.pid), controlGroupMembers(group)]).toEqual([home, [member.entry.pid]]);
  }
  expect(removeControlGroup(group)).toBe(true);
});

it.runIf(ownControlGroup())('a group that cannot be settled is told of, and counts for nothing', async () => {
  const name = `unsettled-${process.pid}`;
  await using member = await processWith(name);
  const { promise, resolve } = Promise.withResolvers<unknown>();
  let path = '';
  const onGroup = (group: string): void => {
    path = group;
  };
  const onSettled = (): void => {
    throw new Error('the disk is full');
  };
  const enclosing = { target: { ...target, mark: name }, name, hasBegun: false, onGroup, onSettled };
  createEncloser(
    () => enclosing,
    (tree, error) => resolve([tree, error]),
  ).add('tree');
  expect(await promise).toEqual(['tree', new Error('the disk is full')]);
  expect(controlGroupMembers(path)).toEqual([member.entry.pid]);
  await moveTo(ownControlGroup() ?? '', member.entry.pid);
  expect(removeControlGroup(path)).toBe(true);
});
