import * as fleet from '@kanade/shared/fleet';
import { strictManifest } from '@kanade/shared/manifest';
import { expect, it } from 'vitest';
import { fleetDocuments } from './fleet-arbitrary.ts';
import { fleetSchemas } from './fleet-words.ts';
import { canonical } from './frozen-corpus.ts';
import { fc } from './properties.ts';

const runs = { numRuns: 200 };

it.each(Object.entries(fleetDocuments))('%s is written as it was read, unknown keys included', (type, documents) => {
  const schema = fleetSchemas[type];
  fc.assert(
    fc.property(documents, (made) => {
      const document = JSON.parse(JSON.stringify(made)) as unknown;
      expect(canonical(schema?.parse(document))).toBe(canonical(document));
    }),
    runs,
  );
});

it('strictManifest() reports each unknown key of a document that reads well', () => {
  const documents = fleetDocuments.Manifest as NonNullable<(typeof fleetDocuments)[string]>;
  fc.assert(
    fc.property(documents, (made) => {
      const result = strictManifest(made);
      const reported = result.ok ? [] : result.faults.filter(({ message }) => message === 'unknown key');
      expect(reported.map(({ path }) => path).sort()).toEqual(laterPaths(without(made, 'aggregate')).sort());
    }),
    runs,
  );
});

it('omitDefaults() takes back what withDefaults() gives', () => {
  const documents = fleetDocuments.Command as NonNullable<(typeof fleetDocuments)[string]>;
  fc.assert(
    fc.property(documents, (made) => {
      const command = fleet.omitDefaults(fleet.Command.parse(made), fleet.commandDefaults);
      const filled = fleet.withDefaults(command, fleet.commandDefaults);
      expect(fleet.omitDefaults(filled, fleet.commandDefaults)).toEqual(command);
    }),
    runs,
  );
});

const dotted = fc.stringMatching(/^[A-Za-z0-9_-]{1,6}(\.[A-Za-z0-9_-]{1,6}){0,2}$/);
const plain = fc.stringMatching(/^[A-Za-z0-9_-]{1,8}$/);
const target = (id: fc.Arbitrary<string>): fc.Arbitrary<fleet.Target> =>
  fc.oneof(
    fc.constant({ kind: 'all' } as const),
    fc.record({ kind: fc.constant('group' as const), group: id }),
    fc.record({ kind: fc.constant('pc' as const), pc: id }),
  );
const pcKinds = [
  ...(['heartbeat', 'host_perf', 'process_perf', 'obs'] as const),
  ...(['ping', 'logs_fetch', 'job_tail', 'remote_control'] as const),
];
const addresses: fc.Arbitrary<fleet.Address> = fc.oneof(
  fc.record({ kind: fc.constant('command' as const), target: target(plain) }),
  fc.record({ kind: fc.constant('command' as const), target: target(plain), jobId: dotted }),
  fc.record({ kind: fc.constant('notification' as const), target: target(dotted) }),
  fc.constant({ kind: 'notification_amendment' } as const),
  fc.record({ kind: fc.constant('kill' as const), execId: dotted }),
  fc.record({ kind: fc.constant('result' as const), requestId: dotted }),
  fc.record({ kind: fc.constant('started' as const), execId: plain, pcId: dotted }),
  fc.record({
    kind: fc.constantFrom('notification_acked' as const, 'notification_unacked' as const),
    pcId: dotted,
    sid: fc.constantFrom('S-1-5-21-1-2-3-1001', 'uid-1000'),
    notificationId: dotted,
  }),
  fc.record({ kind: fc.constantFrom(...pcKinds), pcId: dotted }),
  fc.record({
    kind: fc.constant('inventory' as const),
    pcId: dotted,
    part: fc.constantFrom('hw' as const, 'sw' as const, 'net' as const),
  }),
  fc.record({ kind: fc.constantFrom('remote_input' as const, 'remote_frame' as const), sessionId: dotted }),
  fc.record({ kind: fc.constant('audit' as const), action: dotted }),
);

it('parseSubject() reads what subjectOf() writes', () => {
  fc.assert(
    fc.property(addresses, (address) => {
      expect(fleet.parseSubject(fleet.subjectOf(address))).toEqual(address);
    }),
    { numRuns: 1000 },
  );
});

it('parseSubject() never throws, and what it reads is written back the same', () => {
  const words = fc.constantFrom(
    'commands',
    'all',
    'pc',
    'group',
    'events',
    'started',
    'remote',
    'ctrl',
    'a',
    '',
    '*',
    '>',
  );
  fc.assert(
    fc.property(fc.array(words, { maxLength: 6 }), (tokens) => {
      const subject = tokens.join('.');
      const address = fleet.parseSubject(subject);
      if (address) expect(fleet.subjectOf(address)).toBe(subject);
    }),
    { numRuns: 1000 },
  );
});

/** Paths of the keys that `doc()` adds, outermost only: below an unknown key nothing is known. */
function laterPaths(value: unknown, path = ''): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, child]) => {
    const at = path === '' ? key : `${path}.${key}`;
    return key.startsWith('later_') ? [at] : laterPaths(child, at);
  });
}

function without(document: Record<string, unknown>, key: string): Record<string, unknown> {
  return Object.fromEntries(Object.entries(document).filter(([name]) => name !== key));
}
