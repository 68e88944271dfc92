/**
 * What a stranger may put into a document that the agent, the operator or the local door reads (data only, schema first): names of
 * the language's own machinery, nesting without end, numbers beyond all bounds, a key twice, fields that nobody knows.
 * A reader never throws, says the same compiled or not, and nothing of it reaches an object that was not asked.
 */
import { createCommandReader, createReader, type Read, readAs, readCommand } from '@kanade/shared/fleet';
import * as local from '@kanade/shared/local';
import { strictManifest } from '@kanade/shared/manifest';
import { expect, it } from 'vitest';
import type * as z from 'zod';
import { schemasOf } from './corpus-suite.ts';
import { fleetSchemas } from './fleet-words.ts';
import { type Entry, samplesOf } from './frozen-corpus.ts';
import { fc } from './properties.ts';

type Reader = (value: unknown) => Read<unknown>;

/** Type → its readers and one good document as text. */
const subjects = [
  ...documentsOf('fleet', fleetSchemas),
  ...documentsOf('local', schemasOf(local)),
  { type: 'Command, as an agent reads it', readers: [readCommand, createCommandReader()], text: textOf('Command') },
];

function documentsOf(entry: Entry, schemas: Record<string, z.ZodType>) {
  return Object.entries(schemas).flatMap(([type, schema]) => {
    const sample = samplesOf(entry).find((one) => one.type === type)?.input;
    if (typeof sample !== 'object' || sample === null || Array.isArray(sample)) return [];
    const readers: Reader[] = [(value) => readAs(schema, value), createReader(schema)];
    return [{ type, readers, text: JSON.stringify(sample) }];
  });
}

function textOf(type: string): string {
  return JSON.stringify(samplesOf('fleet').find((one) => one.type === type)?.input);
}

const machinery = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', '__defineGetter__'];
const depth = 20_000;
/** Placeholders, so that a failure prints a name and not the text. */
const large: Record<string, string> = {
  deep_list: `${'['.repeat(depth)}${']'.repeat(depth)}`,
  deep_object: `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`,
  long_text: `"${'x'.repeat(100_000)}"`,
  long_list: `[${'0,'.repeat(50_000)}0]`,
};

/** JSON texts that stand where a value was expected. */
const hostileValue = fc.oneof(
  fc.constantFrom(...machinery).map((key) => `{${JSON.stringify(key)}:{"polluted":true}}`),
  fc.constantFrom('1e400', '-1e400', '18446744073709551615', '-9223372036854775809', '1e-400', '0.1e+308', '-0'),
  fc.constantFrom(...Object.keys(large)),
  fc.constantFrom('"\\ud800"', '"\\u0000"', 'null', '[]', '{}', 'true', '""'),
);
const key = fc.oneof(fc.constantFrom(...machinery), fc.stringMatching(/^later_[a-z]{1,5}$/));

/** The text of an object with one member more; a key that is there already stands twice then. */
const withMember = (text: string, name: string, value: string): string =>
  `${text.slice(0, -1)}${text === '{}' ? '' : ','}${JSON.stringify(name)}:${large[value] ?? value}}`;

const isUnpolluted = (): boolean =>
  Object.keys(Object.prototype).length === 0 && ({} as { polluted?: boolean }).polluted === undefined;

it.each(subjects)('$type survives members that nobody expects', ({ type, readers, text }) => {
  fc.assert(
    fc.property(key, hostileValue, (name, value) => {
      const document = JSON.parse(withMember(text, name, value)) as unknown;
      for (const read of readers) {
        const result = read(document);
        // The one strict document on the wire.
        expect(result.ok).toBe(type !== 'CommandEnvelope' && !value.startsWith('deep_'));
        const kept = result.ok ? (result.value as object) : {};
        expect(Object.getPrototypeOf(kept)).toBe(Object.prototype);
      }
      expect(isUnpolluted()).toBe(true);
    }),
    { numRuns: 20 },
  );
});

it.each(subjects)('$type survives any value in any of its fields', ({ readers, text }) => {
  const names = Object.keys(JSON.parse(text) as object);
  if (names.length === 0) return;
  fc.assert(
    fc.property(fc.constantFrom(...names), hostileValue, (name, value) => {
      // The field stands twice in the text; the last one counts, for every reader alike.
      const document = JSON.parse(withMember(text, name, value)) as unknown;
      const [one, ...others] = readers.map((read) => read(document));
      for (const other of others) expect(summary(other)).toBe(summary(one));
      expect(isUnpolluted()).toBe(true);
    }),
    { numRuns: 30 },
  );
});

/** What two readers must agree on; deep values cannot be compared, so only their faults are. */
const summary = (read: Read<unknown> | undefined): string =>
  JSON.stringify(read?.ok ? Object.keys(read.value as object) : read?.faults);

it('a manifest of a stranger is refused with words of bounded length at the write boundary, too', () => {
  const text = textOf('Manifest');
  for (const [name, value] of [
    ['__proto__', '{"polluted":true}'],
    ['version', 'deep_list'],
    ['execute', 'deep_object'],
    ['tags', 'long_list'],
    ['later', 'deep_list'],
  ] as const) {
    const result = strictManifest(JSON.parse(withMember(text, name, value)));
    expect(result.ok).toBe(false);
    for (const { message } of result.ok ? [] : result.faults) expect(message.length).toBeLessThan(200);
  }
  expect(isUnpolluted()).toBe(true);
});
