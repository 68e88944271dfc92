import { describe, expect, it } from 'vitest';
import { receiptOf } from './publish.ts';
import { fateOf } from './resend.ts';

const stream = {
  created: 'c',
  identity: 'c s',
  lastSeq: 9,
  knownIdsMs: 3_600_000,
  isShared: false,
  weaknesses: [],
  messages: 0,
  subjects: [],
};
const receipt = receiptOf({ seq: 7 }, stream, 1_000_000);
const at = (ageMs: number) => ({ stream, isSuspect: false, nowMs: 1_000_000 + ageMs });

describe('fateOf()', () => {
  it.each([
    ['a fresh one', receipt, at(1_000), 'keep'],
    ['one that its server must have synced', receipt, at(120_001), 'forget'],
    ['another life of the server', receipt, { ...at(1_000), stream: { ...stream, identity: 'c t' } }, 'send'],
    ['another stream, whatever its age', receipt, { ...at(9e9), stream: { ...stream, created: 'd' } }, 'send'],
    ['a place that is not there yet', receipt, { ...at(9e9), stream: { ...stream, lastSeq: 6 } }, 'send'],
    ['a suspicion', receipt, { ...at(1_000), isSuspect: true }, 'send'],
    ['too old to be known by its id', receipt, { ...at(3_595_000), isSuspect: true }, 'ask'],
    ['a clock that went back', receipt, at(-200_000), 'forget'],
    ['a receipt of another program', 'seven', at(1_000), 'send'],
    ['no receipt', null, at(1_000), 'send'],
  ] as const)('%s', (_, given, known, fate) => {
    expect(fateOf(given, known)).toBe(fate);
  });
});
