import { Failure } from '../../../answer/answer.ts';
import { defineCommand, UsageError } from '../../../call/command.ts';
import { withFleet } from '../connect.ts';

export const metaGet = defineCommand({
  name: 'meta get',
  summary: 'show the notes about a machine, or one of them',
  usage: 'PC [KEY]',
  options: {},
  examples: ['kanade fleet meta get pc-042', 'kanade fleet meta get pc-042 owner'],
  async run(_options, words, context) {
    const [pc, key, extra] = words;
    if (pc === undefined) throw new UsageError('PC is missing');
    if (extra !== undefined) throw new UsageError(`unexpected word ${JSON.stringify(extra)}: one KEY is enough`);
    return withFleet(context, async ({ fleet, readNotes }) => {
      const notes = await readNotes(fleet, pc, { signal: context.io.signal });
      if (key !== undefined && !notes.has(key))
        throw new Failure('note_not_found', `there is no such note about ${pc}; kanade fleet meta get ${pc} shows all`);
      const entries = [...notes].filter(([name]) => key === undefined || name === key);
      return { type: 'fleet.meta.get', pc_id: pc, notes: entries.map(([name, text]) => ({ key: name, text })) };
    });
  },
});

export const metaSet = defineCommand({
  name: 'meta set',
  summary: 'write a note about a machine; everybody who may read the fleet can read it',
  usage: 'PC KEY TEXT',
  options: {},
  examples: ['kanade fleet meta set pc-042 owner ada'],
  async run(_options, words, context) {
    const [pc, key, text, extra] = words;
    if (pc === undefined || key === undefined || text === undefined)
      throw new UsageError('PC, KEY and TEXT are needed: a text of several words stands in quotes');
    if (extra !== undefined) throw new UsageError(`unexpected word ${JSON.stringify(extra)}: put TEXT in quotes`);
    return withFleet(context, async ({ fleet, setNote, audit }) => {
      const before = await setNote(fleet, pc, { key, text, signal: context.io.signal });
      const noted = await audit({ action: 'meta.set', about: pc, details: { key, before, text } });
      return { type: 'fleet.meta.set', pc_id: pc, key, before, text, ...noted };
    });
  },
});

export const metaRemove = defineCommand({
  name: 'meta rm',
  summary: 'take notes about a machine away',
  usage: 'PC KEY...',
  options: {},
  examples: ['kanade fleet meta rm pc-042 owner'],
  async run(_options, words, context) {
    const [pc, ...keys] = words;
    if (pc === undefined || keys.length === 0) throw new UsageError('PC and at least one KEY are needed');
    return withFleet(context, async ({ fleet, removeNotes, audit }) => {
      const removed = await removeNotes(fleet, pc, { keys: [...new Set(keys)], signal: context.io.signal });
      const noted = await audit({ action: 'meta.rm', about: pc, details: { removed } });
      return { type: 'fleet.meta.rm', pc_id: pc, removed, ...noted };
    });
  },
});
