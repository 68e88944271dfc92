import { expect, it } from 'vitest';
import { bootId, type ProcessEntry } from './identity.ts';
import { createProcessTable } from './process-table.ts';
import { membersOf, nameOf } from './tree.ts';

const entry = (pid: number, parent: number, more: Partial<ProcessEntry> = {}): ProcessEntry => ({
  pid,
  parent,
  group: 100,
  session: 100,
  start: String(pid),
  zombie: false,
  ...more,
});
const leader = { pid: 100, start: '100', boot: 'b' };
const pids = (processes: ProcessEntry[]): number[] =>
  createProcessTable(processes)
    .membersOf(leader)
    .map(({ pid }) => pid);

it('membersOf() takes session, group and descendants, not the leader, not strangers, not zombies', () => {
  const processes = [
    entry(100, 1),
    entry(101, 100),
    entry(102, 1), // re-parented, still in the session
    entry(103, 101, { group: 103, session: 103 }), // new session, parent in the tree
    entry(104, 103, { group: 103, session: 103 }),
    entry(105, 1, { group: 105, session: 105 }),
    entry(106, 100, { zombie: true }),
  ];
  expect(pids(processes)).toEqual([101, 102, 103, 104]);
});

it('membersOf() ends at whoever leads another tree: neither it nor its children belong to this one', () => {
  const processes = [
    entry(100, 1),
    entry(101, 100),
    entry(102, 101, { group: 102, session: 102 }),
    entry(103, 102, { group: 102, session: 102 }),
    entry(104, 101, { group: 104, session: 104 }),
  ];
  const members = createProcessTable(processes).membersOf(leader, { leadsAnother: ({ pid }) => pid === 102 });
  expect(members.map(({ pid }) => pid)).toEqual([101, 104]);
});

it('membersOf() is empty when the leader’s pid belongs to somebody else now', () => {
  expect(pids([entry(100, 1, { start: '999' }), entry(101, 100)])).toEqual([]);
});

it('membersOf() still sees the session of a leader that has ended, as far as it is vouched for', () => {
  expect(pids([entry(101, 1)])).toEqual([101]);
  const left = [entry(101, 1), entry(102, 101, { session: 102 }), entry(103, 1), entry(104, 103)];
  const vouched = createProcessTable(left).membersOf(leader, { isVouched: ({ pid }) => pid === 101 });
  expect(vouched.map(({ pid }) => pid)).toEqual([101, 102]);
});

it.runIf(process.platform === 'linux')(
  'membersOf() keeps whoever was one while the leader lived, however young',
  () => {
    const gone = { pid: 2 ** 22 + 1, start: '100', boot: bootId() };
    const processes = [199, 200].map((start, at) =>
      entry(gone.pid + 1 + at, 1, { session: gone.pid, group: gone.pid, start: String(start) }),
    );
    const startsOf = (known: readonly string[]): string[] =>
      membersOf({ leader: gone, ledAt: 200, known: new Set(known) }, { processes }).map(({ start }) => start);
    expect(startsOf([])).toEqual(['199']);
    expect(startsOf(processes.map(nameOf))).toEqual(['199', '200']);
  },
);
