/** The frozen documents of the fleet, each read and written again, and those that nobody may accept. */
import * as fleet from '@kanade/shared/fleet';
import { strictManifest } from '@kanade/shared/manifest';
import { strictSchedule } from '@kanade/shared/schedule';
import { expect, it } from 'vitest';
import type * as z from 'zod';
import { fleetSchemas as schemas } from './fleet-words.ts';
import { canonical, malformedOf, samplesOf } from './frozen-corpus.ts';
import { optionalFields, readWithNull } from './optional-fields.ts';

/** Schemas that travel only inside of others; the documents of those hold them, absent and present. */
const parts = [
  ...['ByteSize', 'Humantime', 'Id', 'Instant', 'RunAs', 'Shell', 'Tier', 'NotificationPriority', 'OsEvent'],
  ...['CheckStatus', 'CheckAlertStatus', 'CheckAlert', 'CheckHint', 'CollectHint', 'EmitConfig', 'Confirm', 'ShowWhen'],
  ...[
    'ClientBlock',
    'DisplayField',
    'Execute',
    'Explode',
    'FeedBlock',
    'Finalize',
    'FinalizeCommand',
    'InventoryBlock',
  ],
  ...['Origin', 'ProcessSample', 'Retry', 'Visibility', 'Active', 'Calendar', 'Constraints', 'OnFailure', 'Require'],
  ...['Rollout', 'When'],
];

const strict: Record<string, (value: unknown) => { ok: boolean; faults?: readonly fleet.Fault[] }> = {
  ConfigScope: fleet.strictConfigScope,
  Freeze: fleet.strictFreeze,
  Manifest: strictManifest,
  Notification: fleet.strictNotification,
  Schedule: strictSchedule,
  ServerSettings: fleet.strictServerSettings,
};

/** Fields that a schema fills in itself are left off again. */
const defaults: Record<string, object> = { ExecResult: fleet.execResultDefaults };

const schemaOf = (type: string): z.ZodType => {
  const schema = schemas[type];
  if (!schema) throw new Error(`the corpus has documents of ${type}, which @kanade/shared/fleet does not export`);
  return schema;
};

it('every type has frozen documents, good and malformed', () => {
  const types = Object.keys(schemas).filter((type) => !parts.includes(type));
  const good = new Set(samplesOf('fleet').map(({ type }) => type));
  const malformed = new Set(
    [...malformedOf('fleet', 'bad'), ...malformedOf('fleet', 'strict')].map(({ type }) => type),
  );
  expect(types.filter((type) => !good.has(type))).toEqual([]);
  expect(types.filter((type) => !malformed.has(type))).toEqual([]);
  expect(parts.filter((type) => !schemas[type])).toEqual([]);
});

it('every optional field of a type is absent in one document and present in another', () => {
  const samples = samplesOf('fleet');
  const missing = Object.entries(schemas).flatMap(([type, schema]) => {
    const { shape } = schema as unknown as { shape?: Record<string, z.ZodType> };
    const documents = samples.filter((sample) => sample.type === type).map(({ input }) => input as object);
    const optional = Object.keys(shape ?? {}).filter((key) => shape?.[key]?._zod.optin === 'optional');
    return optional.flatMap((key) => [
      ...(documents.some((document) => key in document) ? [] : [`${type}.${key} is never there`]),
      ...(documents.some((document) => !(key in document)) ? [] : [`${type}.${key} is always there`]),
    ]);
  });
  expect(missing.filter((line) => !parts.includes(line.split('.')[0] ?? ''))).toEqual([]);
});

it.each(optionalFields(schemas, 'fleet'))('null in $type.$key reads as the field left out', (field) => {
  expect(readWithNull(field)).toEqual(field.without);
});

it.each(samplesOf('fleet'))('$name is written as it was read', ({ type, input, written }) => {
  const read = type === 'Command' ? fleet.readCommand(input) : fleet.readAs(schemaOf(type), input);
  const value = read.ok ? read.value : read.faults;
  const defaulted = defaults[type];
  expect(canonical(defaulted ? fleet.omitDefaults(value as object, defaulted) : value)).toBe(canonical(written));
});

it.each(malformedOf('fleet', 'bad'))('$name is refused by readers', ({ type, input, faults }) => {
  expect(faults).not.toEqual([]);
  expect(fleet.readAs(schemaOf(type), input)).toEqual({ ok: false, faults });
});

it.each(malformedOf('fleet', 'strict'))('$name is refused by writers', ({ type, input, faults }) => {
  expect(faults).not.toEqual([]);
  expect(strict[type]?.(input)).toEqual({ ok: false, faults });
});

it.each(samplesOf('fleet').filter(({ type, name }) => type === 'Schedule' && /(calendar|once|all|require)/.test(name)))(
  '$name is accepted by writers',
  ({ input, written }) => {
    expect(strictSchedule(input)).toEqual({ ok: true, schedule: written });
  },
);

it.each(
  samplesOf('fleet').filter(({ type, name }) => type === 'Manifest' && !/(before|tomorrow|later|future)/.test(name)),
)('$name is accepted by writers', ({ input, written }) => {
  expect(strictManifest(input)).toEqual({ ok: true, manifest: written });
});
