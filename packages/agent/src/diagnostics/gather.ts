/**
 * What an agent has to say to whoever helps a person at its machine. Of settings and state only what is named here; of the log what that
 * person may read; nothing without its secrets taken out.
 */
import { release, version as systemVersion } from 'node:os';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { DiagnosticsPreview } from '@kanade/shared/local';
import type { AgentConfig } from '../config/config.ts';
import { limits } from '../limits.ts';
import type { createLogTail } from '../local/log-tail.ts';
import type { MachineState } from '../local/state.ts';
import type { Support } from '../local/support.ts';
import type { LiveSettings } from '../machine/settings.ts';
import { cutToBytes } from '../report/cut-to-bytes.ts';
import type { FleetView } from '../store/fleet-cache.ts';
import type { Ledger } from '../store/ledger.ts';
import type { Notices } from '../store/notices.ts';
import { type FindingsOptions, findingsOf } from './findings.ts';
import { documentWithoutSecrets, secretValues, withoutSecrets } from './without-secrets.ts';

export interface GatherOptions extends Omit<FindingsOptions, 'dataDir'> {
  readonly config: AgentConfig;
  readonly version: string;
  readonly state: Pick<MachineState, 'snapshot'>;
  readonly view: Pick<FleetView, 'groups' | 'age'>;
  readonly settings: LiveSettings;
  readonly ledger: Pick<Ledger, 'lastOf'>;
  readonly notices: Pick<Notices, 'list'>;
  readonly support: Pick<Support, 'grants'>;
  readonly logTail: ReturnType<typeof createLogTail>;
}

/** The person who asks for help, as the system knows them. */
export interface Asker {
  readonly uid: number;
  readonly user: string;
  readonly userKey: string;
}

/** What they say of it. */
export interface Plea {
  readonly summary: string;
  readonly detail: string;
  readonly contact: string;
}

export type DiagnosticsFile = DiagnosticsPreview['files'][number];

/** Variables of the agent's environment that are told: those that change how programs speak and where they are found. */
const toldVariables = ['LANG', 'LANGUAGE', 'LC_ALL', 'LC_CTYPE', 'PATH', 'TZ'];

export async function gatherFiles(options: GatherOptions, asker: Asker, message: Plea): Promise<DiagnosticsFile[]> {
  const known = secretValues(options.config.env);
  const document = (name: string, value: unknown): DiagnosticsFile =>
    fileOf(name, `${JSON.stringify(documentWithoutSecrets(value, known), undefined, 2)}\n`);
  return [
    fileOf('message.txt', withoutSecrets(wordsOf(options, asker, message), known)),
    document('versions.json', versionsOf(options)),
    document('doctor.json', { findings: await findingsOf({ ...options, dataDir: options.config.dataDir }) }),
    document('state.json', stateOf(options, asker)),
    document('configuration.json', configurationOf(options)),
    fileOf('agent.log', await logOf(options, asker, known)),
  ];
}

function fileOf(name: string, whole: string): DiagnosticsFile {
  const { diagnosticsFileBytesMax: bytesMax } = limits;
  const isCut = name !== 'agent.log' && Buffer.byteLength(whole) > bytesMax;
  const text = isCut ? `${cutToBytes(whole, bytesMax)}\n[cut: it was longer]\n` : whole;
  return { name, text, size_bytes: Buffer.byteLength(text) };
}

function wordsOf({ config }: GatherOptions, { user, userKey }: Asker, { summary, detail, contact }: Plea): string {
  const parts = [`From: ${user} (${userKey}) on ${config.pcId}`, `At: ${new Date().toISOString()}`];
  if (contact !== '') parts.push(`Contact: ${contact}`);
  if (summary !== '') parts.push(`Summary: ${summary}`);
  return `${parts.join('\n')}\n${detail === '' ? '' : `\n${detail}\n`}`;
}

const versionsOf = ({ version }: GatherOptions) => ({
  agent: version,
  runtime: process.versions.bun ? `bun ${process.versions.bun}` : `node ${process.versions.node}`,
  platform: `${process.platform}-${process.arch}`,
  system: `${release()} ${systemVersion()}`,
  agent_runs_for_s: Math.round(process.uptime()),
});

function stateOf({ state, view, ledger, notices, support, broker }: GatherOptions, { userKey }: Asker) {
  const { isOffline, asOfMs } = view.age();
  return {
    ...state.snapshot(),
    broker: broker().kind,
    catalogue: { offline: isOffline, ...(asOfMs === undefined ? {} : { as_of: new Date(asOfMs).toISOString() }) },
    own_last_runs: Object.fromEntries(ledger.lastOf(userKey)),
    own_notifications: notices
      .list(userKey, Date.now())
      .map(({ id, acked_at }) => ({ id, read: acked_at !== undefined })),
    own_grants: support.grants(userKey),
  };
}

function configurationOf({ config, settings: { current }, view }: GatherOptions) {
  return {
    pc_id: config.pcId,
    data_dir: config.dataDir,
    socket: config.socket,
    jobs_dir: config.jobsDir,
    key_ring: config.commandKeys,
    log_level: config.logLevel,
    allow_own_user: config.allowOwnUser,
    broker_addresses: config.access?.servers,
    groups: view.groups(),
    settings: {
      places: current.placesMax,
      heartbeat_ms: current.heartbeatMs,
      host_perf_ms: current.hostPerfMs,
      display_name: current.displayName,
      log_level: current.logLevel,
      conflicts: current.conflicts,
    },
    environment: Object.fromEntries(toldVariables.map((name) => [name, config.env[name]])),
  };
}

/** The newest lines that fit. */
async function logOf({ logTail }: GatherOptions, asker: Asker, known: readonly string[]): Promise<string> {
  const { lines } = await logTail(asker, Number.MAX_SAFE_INTEGER);
  const kept: string[] = [];
  let bytes = 0;
  let sinceMs = performance.now();
  for (const line of lines.reverse()) {
    const clean = lineOf(line, known);
    bytes += Buffer.byteLength(clean) + 1;
    if (bytes > limits.diagnosticsLogBytesMax) break;
    kept.push(clean);
    if (performance.now() - sinceMs < limits.afterTurnMs) continue;
    await nextTurn();
    sinceMs = performance.now();
  }
  return kept
    .reverse()
    .map((line) => `${line}\n`)
    .join('');
}

/** By its fields where it has some; what is too long for a line of a log is no help. */
function lineOf(line: string, known: readonly string[]): string {
  if (line.length > limits.diagnosticsLineCharsMax) return '[left out: a line that is too long]';
  try {
    return JSON.stringify(documentWithoutSecrets(JSON.parse(line), known));
  } catch {
    return withoutSecrets(line, known);
  }
}
