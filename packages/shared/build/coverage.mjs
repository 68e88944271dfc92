/**
 * Keeps the table "type in the reference → schema" of the README. `node build/coverage.mjs` writes it from what tsc has
 * built; `--check` only compares, and prints what is wrong: a type without its export, a schema without its row, a
 * schema without a frozen document, a README that says otherwise. Exits 1 then.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as fleet from '@kanade/shared/fleet';
import * as job from '@kanade/shared/job';
import * as local from '@kanade/shared/local';
import * as manifest from '@kanade/shared/manifest';
import * as schedule from '@kanade/shared/schedule';
import { countCorpus, exercised, isSchema } from './corpus.mjs';

const packageDir = fileURLToPath(new URL('..', import.meta.url));
const entries = { fleet, manifest, schedule, local, job };
/** The corpus has the documents of three entries under one name. */
const corpusOf = { fleet: 'fleet', manifest: 'fleet', schedule: 'fleet', local: 'local', job: 'job' };

/** Entry → [section of its reference, what it is called there, exports]. The fleet reference has `fleet`, `manifest`, `schedule` and `local`, the contract of local jobs `job`. */
const reference = {
  fleet: [
    ['2.1', 'subjects, built and parsed', 'subjectOf parseSubject'],
    ['2.1', 'audit record', 'AuditRecord auditSubject'],
    ['2.2–2.4', 'streams, buckets, object stores, keys', 'streams buckets objectStores storeKeys'],
    ['2.4', 'an object of an object store', 'ObjectInfo objectMetaSubject objectDigest outputKey'],
    ['2', 'ids', 'Id'],
    ['3', 'times, humantime durations, sizes', 'Instant Humantime ByteSize'],
    ['3.1', 'Command', 'Command'],
    ['3.1', 'Shell, RunAs, Staleness', 'Shell RunAs Staleness'],
    ['3.1', 'Retry, FinalizeCommand', 'Retry FinalizeCommand'],
    ['3.1', 'EmitConfig, CheckHint, CollectHint', 'EmitConfig CheckHint CollectHint'],
    ['3.3', 'signature headers, signed bytes', 'readSignatureHeaders signedMaterial'],
    ['3.3', 'envelope v2, order of verification', 'CommandEnvelope verifyCommand'],
    ['3.4', 'ExecResult', 'ExecResult'],
    ['3.5', 'EventStarted', 'EventStarted'],
    ['3.6', 'ObsEvent', 'ObsEvent'],
    ['3.7', 'Heartbeat', 'Heartbeat'],
    ['3.8', 'HostPerf, HwInventory, ProcessPerf', 'HostPerf HwInventory ProcessPerf ProcessSample'],
    ['3.8', 'job.tail, logs.fetch', 'JobTailRequest JobTailReply LogsFetchRequest'],
    ['3.8', 'remote.*', 'RemoteControl RemoteControlReply RemoteInput'],
    ['3.9', 'ConfigScope, EffectiveConfig, resolution', 'ConfigScope EffectiveConfig resolveConfig'],
    ['3.9', 'AgentGroups', 'AgentGroups'],
    ['3.10', 'check, its status and alert', 'CheckStatus CheckAlert CheckAlertStatus'],
    ['3.12', 'Notification, priority, amendment', 'Notification NotificationPriority NotificationAmendment'],
    ['3.12', 'what became of toasts (ours)', 'NotificationToasted'],
    ['3.12', 'acks, read mark', 'NotificationAcked NotificationUnacked ReadMark'],
    ['3.12', 'Freeze', 'Freeze'],
    ['3.12', 'ServerSettings, SupportCode', 'ServerSettings SupportCode SupportCodes'],
    ['3.12', 'agent_meta, script_status', 'AgentMeta ScriptStatus'],
    ['4.10', 'synthetic exit codes', 'syntheticExits'],
  ],
  manifest: [
    ['3.10', 'Manifest, execute, finalize, tier', 'Manifest Execute Finalize Tier'],
    ['3.10', 'client, confirm, visible_to, show_when', 'ClientBlock Confirm Visibility ShowWhen'],
    ['3.10', 'inventory, feed, origin', 'InventoryBlock DisplayField Explode FeedBlock Origin'],
  ],
  schedule: [
    ['3.11', 'Schedule, when', 'Schedule When Calendar OsEvent'],
    ['3.11', 'active, constraints, require', 'Active Constraints Require'],
    ['3.11', 'rollout, on_failure', 'Rollout OnFailure'],
  ],
  local: [
    ['6.3', 'envelope', 'LocalRequest LocalResponse LocalPush LocalError'],
    ['6.3', 'error kinds and numbers', 'LocalErrorKind localErrors'],
    ['6.4', 'handshake', 'Handshake HandshakeResult commonProtocol'],
    ['6.5', 'method table, pushes', 'localContract localDefaults'],
    ['6.5', 'system.version', 'VersionResult'],
    ['6.5', 'notifications.list', 'NotificationFilter'],
    ['6.5', 'support.upload_diagnostics', 'DiagnosticsPreview DiagnosticsResult'],
    ['6.5', 'maintenance.defer', 'DeferDuration deferDurationMs'],
    ['6.5', 'state.changed, notifications.amended', 'StateChanged NotificationAmendment'],
    ['6.6', 'StateSnapshot, Check', 'StateSnapshot Check'],
    ['6.6', 'Notification', 'LocalNotification NotificationPriority'],
    ['6.6', 'UserInvokableJob', 'UserInvokableJob'],
    ['6.6', 'UserInvokableJob of early peers', 'EarlyUserInvokableJob EarlyCategory'],
    ['6.6', 'JobRun, JobProgress; jobs.output', 'JobRun JobProgress RunStatus OutputQuery OutputPart'],
    ['6.6', 'UnlockGrant', 'UnlockGrant'],
    ['6.6', 'MaintenanceItem', 'MaintenanceItem isDeferrable'],
  ],
  job: [
    ['1.2', 'states', 'jobStates isTerminal AnsweredState'],
    ['2.4', 'timestamps', 'WholeSecond'],
    ['2.5', 'meta.json', 'JobMeta strictJobMeta'],
    ['2.6', 'state.json', 'JobStateFile strictJobState JobEnding ProcessIdentity'],
    ['3.0', 'envelope, types', 'JobResponse jobResponses'],
    ['3.0', 'error, codes', 'ErrorResponse AmbiguityDetails jobErrors'],
    ['3.1', 'create', 'CreateResponse'],
    ['3.2', 'run', 'RunResponse Excerpts'],
    ['3.3', 'start', 'StartResponse'],
    ['3.4', 'restart', 'RestartResponse'],
    ['3.5', 'status', 'StatusResponse'],
    ['3.6', 'tail', 'TailResponse'],
    ['3.7', 'wait', 'WaitResponse'],
    ['3.8', 'kill', 'KillResponse'],
    ['3.9', 'list, ps', 'ListResponse ListEntry'],
    ['3.10', 'tag set', 'TagSetResponse isTag'],
    ['3.11', 'notify set', 'NotifySetResponse'],
    ['3.12', 'delete', 'DeleteResponse DeleteEntry'],
    ['3.13', 'gc', 'GcResponse'],
    ['3.17', 'run, start of 0.1.18', 'LegacyRunResponse LegacyStartResponse LegacySnapshot'],
    ['3.17', 'status, tail, wait of 0.1.18', 'LegacyStatusResponse LegacyTailResponse LegacyWaitResponse'],
    ['3.17', 'kill, list, delete of 0.1.18', 'LegacyKillResponse LegacyListResponse LegacyDeleteResponse'],
    ['3.17', 'gc of 0.1.18', 'LegacyGcResponse LegacyGcEntry'],
    ['3.17', 'install-skills, error of 0.1.18', 'LegacyInstallSkillsResponse LegacyErrorResponse'],
    ['6.1', 'notification settings', 'JobNotification OutputMatch'],
    ['6.2', 'completion event and its file', 'CompletionEvent CompletionRecord DeliveryResult'],
    ['6.4', 'match event and its line', 'MatchEvent MatchRecord'],
    ['–', 'queue list, queue set', 'QueueListResponse QueueSetResponse isQueueName'],
    ['7.7', 'compression', 'CompressionData compressionModes'],
    ['8.1', 'health', 'HealthResponse'],
    ['9.2', 'install-skills', 'InstallSkillsResponse'],
    ['9.3', 'schema', 'SchemaResponse jobSchemaDocument'],
  ],
};

const namesOf = (exports) => exports.split(' ');

function faultsOf() {
  const found = exercised({ ...entries, fleet: { ...fleet, ...manifest, ...schedule } });
  return Object.entries(entries).flatMap(([entry, exported]) => {
    const listed = new Set(reference[entry].flatMap(([, , names]) => namesOf(names)));
    const schemas = Object.keys(exported).filter((name) => isSchema(exported[name]));
    return [
      ...[...listed].filter((name) => !(name in exported)).map((name) => `${entry}: ${name} is not exported`),
      ...schemas
        .filter((name) => !listed.has(name) && !(entry !== 'fleet' && name in fleet))
        .map((name) => `${entry}: ${name} has no row`),
      ...schemas
        .filter((name) => !found.has(exported[name]))
        .map((name) => `${entry}: ${name} is in no document of test/corpus`),
    ];
  });
}

function table(counts) {
  const rows = Object.entries(reference).flatMap(([entry, types]) =>
    types.map(([section, type, exports]) => {
      const names = namesOf(exports);
      const documents = names.reduce((sum, name) => sum + (counts[corpusOf[entry]]?.[name] ?? 0), 0);
      return [
        section,
        type,
        `\`./${entry}\``,
        names.map((name) => `\`${name}\``).join(' '),
        documents > 0 ? String(documents) : names.some((name) => isSchema(entries[entry][name])) ? 'in others' : '–',
      ];
    }),
  );
  const total = Object.values(counts)
    .flatMap(Object.values)
    .reduce((sum, count) => sum + count, 0);
  const perEntry = Object.entries(counts).map(
    ([entry, types]) => `${entry} ${Object.values(types).reduce((sum, count) => sum + count, 0)}`,
  );
  const covered = rows.length;
  return [
    `${covered} of ${covered} rows covered. The frozen corpus has ${total} documents: ${perEntry.sort().join(', ')}.`,
    '',
    ...aligned([['section', 'type in the reference', 'entry', 'exports', 'documents'], ...rows]),
  ].join('\n');
}

/** A Markdown table with columns of one width. */
function aligned(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const line = (cells) => `| ${cells.map((cell, column) => cell.padEnd(widths[column])).join(' | ')} |`;
  const [head, ...body] = rows;
  return [line(head), `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`, ...body.map(line)];
}

const counts = countCorpus();
const faults = faultsOf();
const readmeFile = `${packageDir}README.md`;
const readme = readFileSync(readmeFile, 'utf8');
const [before, , after] = readme.split(/(?<=<!-- coverage -->\n)|(?=<!-- \/coverage -->)/);
if (after === undefined)
  throw new Error('README.md: the table stands between <!-- coverage --> and <!-- /coverage -->');
const fresh = `${before}\n${table(counts)}\n\n${after}`;
if (process.argv[2] !== '--check') writeFileSync(readmeFile, fresh);
else if (readme !== fresh) faults.push('README.md: the table is out of date; node build/coverage.mjs writes it');
for (const fault of faults) console.error(fault);
process.exit(faults.length === 0 ? 0 : 1);
