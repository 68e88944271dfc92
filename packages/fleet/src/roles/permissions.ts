/**
 * What each role of a fleet may say and hear on a broker: lists of what is allowed; everything else is refused. Subjects name
 * one machine wherever the wire does.
 */
import { auditSubject } from '@kanade/shared/fleet';
import {
  amendmentSubject,
  anyHeartbeat,
  anyHostPerf,
  anyKill,
  anyProcessPerf,
  bucketStream,
  buckets,
  bucketsOnDemand,
  commandFilters,
  configKey,
  enrolSubject,
  entrySubject,
  heartbeatSubject,
  hostPerfSubject,
  logsSubject,
  notificationFilters,
  objectChunkSubject,
  objectMetaFilter,
  objectStores,
  objectStoresOnDemand,
  objectStream,
  objectSubjects,
  pingSubject,
  processPerfSubject,
  storeKeys,
  streamLimits,
  streams,
  tailSubject,
} from '@kanade/shared/fleet-words';

/** Whom a broker lets in. */
export type Role =
  | { readonly kind: 'operator' | 'read-only' | 'break-glass' }
  /** Who enrols machines, and who holds a token to be enrolled. */
  | { readonly kind: 'issuer' | 'newcomer' }
  /** `groups`: whose orders it may hear; undefined = those of every group, because membership is not the broker's to know. */
  | { readonly kind: 'agent'; readonly pc: string; readonly groups?: readonly string[] | undefined };

export interface Permissions {
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
  /** It may answer a request wherever the answer is wanted. */
  readonly mayAnswer: boolean;
}

/** The permissions of a role for a user whose inboxes lie below `inbox`. */
export function permissionsOf(role: Role, inbox: string): Permissions {
  const own = `${inbox}.>`;
  switch (role.kind) {
    case 'agent':
      return { publish: agentSays(role), subscribe: [...agentHears(role), own], mayAnswer: true };
    case 'operator':
      return { publish: operatorSays, subscribe: [...watched, own], mayAnswer: false };
    case 'read-only':
      return { publish: [...looking, ...asking], subscribe: [...watched, own], mayAnswer: false };
    case 'issuer':
      return { publish: issuerSays, subscribe: [enrolSubject, own], mayAnswer: true };
    case 'newcomer':
      return { publish: [enrolSubject], subscribe: [own], mayAnswer: false };
    case 'break-glass':
      return { publish: breakGlassSays, subscribe: [streamLimits.RESULTS.subjects, own], mayAnswer: false };
  }
}

const api = (verb: string, stream: string): string => `$JS.API.${verb}.${stream}`;
const allBuckets = Object.values(buckets);
/** The buckets that every machine reads whole. */
const catalogue = [buckets.jobs, buckets.scriptStatus, buckets.scriptCurrent];
/** Those in which it reads in which groups it is. */
const memberships = [buckets.agentGroups, bucketsOnDemand.agentGroupsDerived];

const { agentConfig, fleetConfig, notificationsRead } = buckets;

/** Support codes, as hashes; where there are none, those of a backend that keeps them with its settings. */
const supportCodes: readonly (readonly [bucket: string, key: string])[] = [
  [fleetConfig, storeKeys.supportCodes],
  [bucketsOnDemand.serverSettings, storeKeys.serverSettings],
];

/** Orders of one machine: its own, those for all, those of its groups. */
function orderFilters(pc: string, groups: readonly string[] | undefined): string[] {
  return groups ? commandFilters(pc, groups) : [...commandFilters(pc, []), 'commands.group.>'];
}

/** What people at one machine are told. */
function noticeFilters(pc: string, groups: readonly string[] | undefined): string[] {
  return groups ? notificationFilters(pc, groups) : [...notificationFilters(pc, []), 'notifications.group.>'];
}

/** The layers of settings that concern a machine. */
function settingsLayers(pc: string, groups: readonly string[] | undefined): string[] {
  const ofGroups = groups?.map((group) => configKey({ kind: 'group', group })) ?? ['groups.>'];
  return [configKey({ kind: 'global' }), configKey({ kind: 'pc', pc }), ...ofGroups];
}

/**
 * An agent. A read goes through a consumer whose filter stands in the subject of the request, so the broker sees what is
 * asked for: that is why there is one consumer for each filter, and none with several.
 */
function agentSays({ pc, groups }: Role & { kind: 'agent' }): string[] {
  const reads: [stream: string, filter: string][] = [
    ...orderFilters(pc, groups).map((filter): [string, string] => [streams.exec, filter]),
    ...catalogue.map((bucket): [string, string] => [bucketStream(bucket), entrySubject(bucket, '>')]),
    ...memberships.map((bucket): [string, string] => [bucketStream(bucket), entrySubject(bucket, pc)]),
    ...settingsLayers(pc, groups).map((key): [string, string] => [
      bucketStream(agentConfig),
      entrySubject(agentConfig, key),
    ]),
    ...supportCodes.map(([bucket, key]): [string, string] => [bucketStream(bucket), entrySubject(bucket, key)]),
    ...noticeFilters(pc, groups).map((filter): [string, string] => [streams.notifications, filter]),
    // Read marks of its own people, for the day on which its file is lost.
    [bucketStream(notificationsRead), entrySubject(notificationsRead, `${pc}.>`)],
  ];
  const read = [...new Set(reads.map(([stream]) => stream))];
  return [
    heartbeatSubject(pc),
    hostPerfSubject(pc),
    processPerfSubject(pc),
    // Results are addressed by the order they answer: whose they are stands in them, not in the subject.
    streamLimits.RESULTS.subjects,
    `events.started.*.${pc}`,
    `obs.${pc}`,
    ...['acked', 'unacked', 'toasted'].map((verb) => `events.notifications.${verb}.${pc}.>`),
    entrySubject(notificationsRead, `${pc}.>`),
    // The name of an object stands encoded in its subject: whose it is the broker cannot see.
    ...[objectStores.resultOutput, objectStores.collections].flatMap(objectSubjects),
    ...reads.map(([stream, filter]) => `${api('CONSUMER.CREATE', stream)}.*.${filter}`),
    ...read.flatMap((stream) => [`${api('CONSUMER.MSG.NEXT', stream)}.*`, `${api('CONSUMER.DELETE', stream)}.*`]),
    ...[...read, streams.results, objectStream(objectStores.resultOutput)].map((stream) => api('STREAM.INFO', stream)),
    ...catalogue.map((bucket) => api('STREAM.MSG.GET', bucketStream(bucket))),
    `${api('DIRECT.GET', objectStream(objectStores.resultOutput))}.>`,
    `${api('DIRECT.GET', objectStream(objectStores.collections))}.${objectMetaFilter(objectStores.collections)}`,
    api('STREAM.INFO', objectStream(objectStores.collections)),
    ...readsObjects(objectStores.scripts),
    ...readsObjects(objectStoresOnDemand.agentReleases),
  ];
}

/** Descriptions one by one, under their names. Chunks have names that a description tells: whoever wants may read all of them. */
function readsObjects(store: string): string[] {
  const stream = objectStream(store);
  return [
    `${api('DIRECT.GET', stream)}.${objectMetaFilter(store)}`,
    `${api('CONSUMER.CREATE', stream)}.*.${objectChunkSubject(store, '*')}`,
    `${api('CONSUMER.MSG.NEXT', stream)}.*`,
    `${api('CONSUMER.DELETE', stream)}.*`,
    api('STREAM.INFO', stream),
  ];
}

function agentHears({ pc, groups }: Role & { kind: 'agent' }): string[] {
  return [
    ...orderFilters(pc, groups),
    anyKill,
    pingSubject(pc),
    tailSubject(pc),
    logsSubject(pc),
    ...catalogue.map((bucket) => entrySubject(bucket, '>')),
    ...memberships.map((bucket) => entrySubject(bucket, pc)),
    ...settingsLayers(pc, groups).map((key) => entrySubject(agentConfig, key)),
    ...supportCodes.map(([bucket, key]) => entrySubject(bucket, key)),
    ...noticeFilters(pc, groups),
    amendmentSubject,
  ];
}

/** What is heard by whoever looks after a fleet. */
const watched = [
  streamLimits.RESULTS.subjects,
  streamLimits.EVENTS.subjects,
  anyHeartbeat,
  anyHostPerf,
  anyProcessPerf,
  'obs.>',
  'audit.>',
];

/** Reading everything that is stored, and changing nothing. */
const looking = [
  '$JS.API.INFO',
  '$JS.API.STREAM.NAMES',
  '$JS.API.STREAM.LIST',
  api('STREAM.INFO', '*'),
  api('STREAM.MSG.GET', '*'),
  api('DIRECT.GET', '>'),
  api('CONSUMER.CREATE', '>'),
  api('CONSUMER.INFO', '*.*'),
  api('CONSUMER.MSG.NEXT', '*.*'),
  api('CONSUMER.DELETE', '*.*'),
];

/** Questions that a machine answers itself, and that change nothing there. */
const asking = ['agents.*.ping', 'job.tail.*', 'logs.fetch.*'];

const operatorSays = [
  ...looking,
  streamLimits.EXEC.subjects,
  anyKill,
  ...asking,
  'audit.>',
  streamLimits.NOTIFICATIONS.subjects,
  amendmentSubject,
  ...allBuckets.map((bucket) => entrySubject(bucket, '>')),
  ...objectSubjects(objectStores.scripts),
  ...objectSubjects(objectStoresOnDemand.agentReleases),
  // Setting up, and taking back what waits for machines that are away.
  api('STREAM.CREATE', '*'),
  api('STREAM.UPDATE', '*'),
  api('STREAM.MSG.DELETE', streams.exec),
];

/** For the day on which nobody else can: orders to single machines, which are asked first whether they hold the key, and kills. */
const breakGlassSays = [
  'commands.pc.>',
  anyKill,
  'agents.*.ping',
  ...['run', 'exec', 'kill'].flatMap((action) => [auditSubject(action), `${auditSubject(action)}.>`]),
  ...[streams.exec, streams.results, ...catalogue.map(bucketStream)].map((stream) => api('STREAM.INFO', stream)),
  ...catalogue.map((bucket) => `${api('DIRECT.GET', bucketStream(bucket))}.>`),
  // The hash of a script, to pin it: not its bytes.
  `${api('DIRECT.GET', objectStream(objectStores.scripts))}.${objectMetaFilter(objectStores.scripts)}`,
  ...catalogue.map((bucket) => api('STREAM.MSG.GET', bucketStream(bucket))),
  `${api('CONSUMER.CREATE', streams.results)}.>`,
  `${api('CONSUMER.MSG.NEXT', streams.results)}.*`,
  `${api('CONSUMER.DELETE', streams.results)}.*`,
];

/** Takes a use of a token, writes down who was enrolled, and puts the machine into its groups. */
const issuerSays = [
  ...[buckets.enrolTokens, buckets.enrolments, buckets.agentGroups].flatMap((bucket) => [
    entrySubject(bucket, '>'),
    api('STREAM.MSG.GET', bucketStream(bucket)),
  ]),
  ...['enrol', 'enrol.serve'].flatMap((action) => [auditSubject(action), `${auditSubject(action)}.>`]),
];
