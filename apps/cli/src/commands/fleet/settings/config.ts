import { configFields } from '@kanade/shared/fleet-words';
import { likely } from '@kanade/shared/likely';
import { defineCommand, noWords, oneWord, UsageError } from '../../../call/command.ts';
import { withFleet } from '../connect.ts';
import { scopeOf, scopeOptions } from './scope.ts';

const names = Object.keys(configFields);

/** A name that is nearly a field was meant to be it. Throws {@link UsageError}. */
function checkField(name: string): string {
  const meant = Object.hasOwn(configFields, name) ? [] : likely(name.slice(0, 60), names);
  if (meant.length === 0) return name;
  throw new UsageError(`unknown field ${JSON.stringify(name.slice(0, 60))}; did you mean ${meant.join(' or ')}?`);
}

export const configGet = defineCommand({
  name: 'config get',
  summary: 'show what is set for the agents of the fleet, of a group or of a machine',
  usage: '',
  options: scopeOptions,
  examples: ['kanade fleet config get', 'kanade fleet config get --group lab'],
  async run(options, words, context) {
    noWords(words);
    const scope = scopeOf(options);
    return withFleet(context, async ({ fleet, readSettings }) => {
      const { key, settings, faults } = await readSettings(fleet, scope, { signal: context.io.signal });
      return { type: 'fleet.config.get', scope: key, settings, ...(faults.length > 0 ? { faults } : {}) };
    });
  },
});

export const configSet = defineCommand({
  name: 'config set',
  summary: 'set one field for the agents of the fleet, of a group or of a machine; agents take it without a restart',
  usage: 'FIELD VALUE',
  words: names,
  options: scopeOptions,
  notes: [
    `Fields: ${names.join(', ')}. Durations are such as 30s or 10m; process_perf_expires_at is a time, or how far ahead it is.`,
  ],
  examples: [
    'kanade fleet config set heartbeat_interval 1m',
    'kanade fleet config set max_local_concurrent 2 --group lab',
    'kanade fleet config set process_perf_enabled true --pc pc-042',
  ],
  async run(options, words, context) {
    const [field, text, extra] = words;
    if (field === undefined || text === undefined) throw new UsageError('FIELD and VALUE are needed');
    if (extra !== undefined) throw new UsageError(`unexpected word ${JSON.stringify(extra)}: one VALUE is enough`);
    const scope = scopeOf(options);
    checkField(field);
    const { signal } = context.io;
    return withFleet(context, async ({ fleet, setSetting, audit }) => {
      const { key, ...change } = await setSetting(fleet, scope, { field, text, nowMs: Date.now(), signal });
      const noted = await audit({ action: 'config.set', about: key, details: change });
      return { type: 'fleet.config.set', scope: key, ...change, ...noted };
    });
  },
});

export const configUnset = defineCommand({
  name: 'config unset',
  summary: 'take fields out of what is set, so that the next wider scope counts again',
  usage: 'FIELD...',
  words: names,
  options: { ...scopeOptions, all: { kind: 'flag', help: 'all that is set there' } },
  examples: ['kanade fleet config unset heartbeat_interval', 'kanade fleet config unset --all --pc pc-042'],
  async run({ all, ...options }, words, context) {
    const scope = scopeOf(options);
    if (all && words.length > 0) throw new UsageError('option --all means every field: name none');
    if (!all && words.length === 0) throw new UsageError('FIELD is missing: name at least one, or say --all');
    for (const name of words) checkField(name);
    const { signal } = context.io;
    return withFleet(context, async ({ fleet, unsetSettings, audit }) => {
      const fields = all ? 'all' : words;
      const { key, removed } = await unsetSettings(fleet, scope, { fields, signal });
      const noted = await audit({ action: 'config.unset', about: key, details: { removed } });
      return { type: 'fleet.config.unset', scope: key, removed, ...noted };
    });
  },
});

export const configEffective = defineCommand({
  name: 'config effective',
  summary: 'show the settings that one machine comes to, and which scope each comes from',
  usage: 'PC',
  options: {},
  examples: ['kanade fleet config effective pc-042'],
  async run(_options, words, context) {
    const pc = oneWord(words, 'PC');
    return withFleet(context, async ({ fleet, effectiveSettings }) => {
      const { groups, settings, conflicts, unreadable } = await effectiveSettings(fleet, pc, {
        signal: context.io.signal,
      });
      const said = conflicts.map(
        ({ field, groups: setters }) => `${field} is set by ${setters.join(', ')}: ${setters.at(-1)} wins`,
      );
      const broken = unreadable.map(({ key }) => `${key} cannot be read, and counts as empty`);
      const warnings = [...said, ...broken];
      for (const warning of warnings) context.io.stderr(`warning: ${warning}\n`);
      return { type: 'fleet.config.effective', pc_id: pc, groups, settings, conflicts, unreadable, warnings };
    });
  },
});
