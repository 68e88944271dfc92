import { describe, expect, it } from 'vitest';
import { definitions } from './definitions.ts';
import { changesOf, type StreamSettings } from './stream-changes.ts';

const definition = (name: string) => {
  const found = definitions.find((one) => one.name === name);
  if (!found) throw new Error(name);
  return found;
};
const cases: readonly (readonly [string, string, object, object, readonly string[]])[] = [
  ['nothing', 'RESULTS', {}, {}, []],
  ['a size and an age', 'RESULTS', { max_bytes: 1, max_age: 2 }, {}, ['max_age', 'max_bytes']],
  ['a history', 'KV_jobs', { max_msgs_per_subject: 64 }, {}, ['max_msgs_per_subject']],
  ['one order per subject', 'EXEC', { max_msgs_per_subject: 5 }, { max_msgs_per_subject: 1 }, []],
  ['the subjects', 'EXEC', { subjects: ['commands.all'] }, { subjects: ['commands.>'] }, []],
  ['what clients need', 'KV_jobs', { allow_direct: false }, { allow_direct: true }, []],
  ['memory', 'EVENTS', { storage: 'memory' }, {}, ['storage']],
  ['for how long ids are known', 'RESULTS', { duplicate_window: 1 }, { duplicate_window: 3_600_000_000_000 }, []],
  ['more of it', 'RESULTS', { duplicate_window: 7_200_000_000_000 }, {}, []],
  ['no longer than anything', 'RESULTS', { duplicate_window: 9, max_age: 9 }, {}, ['max_age']],
  ['what we do not speak of', 'RESULTS', { num_replicas: 3, description: 'mine' }, {}, []],
];

describe('changesOf()', () => {
  it.each(cases)('%s of %s: %j', (_, name, other, changes, kept) => {
    const ours = definition(name);
    const found = changesOf({ num_replicas: 1, ...ours, ...other } as StreamSettings, ours, false);
    expect(found.changes).toEqual(changes);
    expect(found.kept.map(({ setting }) => setting)).toEqual(kept);
  });

  it('keeps nothing when everything is to be as it was', () => {
    const ours = definition('RESULTS');
    const found = changesOf({ num_replicas: 1, ...ours, max_bytes: 1 } as StreamSettings, ours, true);
    expect(found).toEqual({ changes: { max_bytes: ours.max_bytes }, kept: [] });
  });
});
