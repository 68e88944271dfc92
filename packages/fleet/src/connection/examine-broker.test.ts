import { StorageType } from '@nats-io/jetstream';
import { describe, expect, it } from 'vitest';
import { weaknessesOf } from './examine-broker.ts';

const three = { num_replicas: 3, storage: StorageType.File };

describe('weaknessesOf()', () => {
  it.each([
    ['2.12.7', three, []],
    ['2.12.6', three, ['has faults']],
    ['2.9.10', { ...three, num_replicas: 1 }, ['has faults', 'one copy']],
    ['2.15.2', { ...three, storage: StorageType.Memory }, ['lost when the server ends']],
    ['2.15.2', { ...three, persist_mode: 'async' }, ['before they are written']],
  ] as const)('%s with %j', (version, config, expected) => {
    const found = weaknessesOf(version, config as Parameters<typeof weaknessesOf>[1]);
    expect(found).toEqual(expected.map((words) => expect.stringContaining(words)));
  });
});
