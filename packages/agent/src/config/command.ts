/** `kanade agent config check|show`: what an agent that was started with the same words would be told, and what is wrong with it. */
import { existsSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { AgentError, exitCodes } from '../agent-error.ts';
import type { Io } from '../io.ts';
import { brokerAccessOf } from './broker-words.ts';
import { brokerWordsOf, fileFaults, parseArguments, usage } from './config.ts';
import type { Remark } from './document.ts';
import { type ConfigFile, readAgentToml } from './file.ts';
import { logDirFault } from './log-dir.ts';
import { remarkLine } from './remark-text.ts';
import { settingNames } from './setting-table.ts';
import { type Arguments, type Settled, type Source, settleConfig } from './settle.ts';
import type { Surroundings } from './surroundings.ts';

const forms = { json: { type: 'boolean' }, human: { type: 'boolean' } } as const;

/** Exit code 0: an agent would start; 1: it would not, and all that is wrong is told; 2: a call that makes no sense. */
export async function configCommand(words: readonly string[], around: Surroundings, io: Io): Promise<number> {
  const [verb = '', ...rest] = words;
  const parsed = parseArguments(rest, forms);
  if (parsed.kind === 'help') {
    io.stdout(usage);
    return 0;
  }
  if ((verb !== 'check' && verb !== 'show') || parsed.kind !== 'given') {
    const why = parsed.kind === 'usage' ? parsed.message : `config takes check or show: ${JSON.stringify(verb)}`;
    io.stderr(`kanade-agent: ${why}\n\n${usage}`);
    return 2;
  }
  const { args } = parsed;
  const found = await look(args, around, io.env);
  const isHuman = args.json !== true && (args.human === true || io.isTerminal?.(1) === true);
  if (isHuman) io.stdout(verb === 'show' ? shown(found) : checked(found));
  else
    io.stdout(`${JSON.stringify(verb === 'show' ? { ...verdictOf(found), ...tellAll(found) } : verdictOf(found))}\n`);
  return found.faults.length === 0 ? 0 : 1;
}

/** What is wrong, and where it was said. */
interface Fault extends Remark {
  readonly source: string;
}

interface Row {
  readonly key: string;
  /** Null = not set, or hidden. */
  readonly value: Settled['value'] | null;
  readonly is_hidden?: true;
  readonly from: Source;
}

interface Found {
  readonly file: ConfigFile | undefined;
  readonly rows: readonly Row[];
  readonly broker: { readonly servers: readonly string[]; readonly identity: string } | undefined;
  readonly faults: readonly Fault[];
}

async function look(args: Arguments, around: Surroundings, env: Io['env']): Promise<Found> {
  const file = await readAgentToml(args.config === undefined ? undefined : String(args.config), env, around);
  const { settled, unusable } = settleConfig({ args, env, around, file });
  const elsewhere = unusable.filter(({ from }) => from.kind !== 'file');
  const faults: Fault[] = [
    ...(file ? fileFaults(file, unusable).map(({ from: _, ...fault }) => ({ ...fault, source: file.path })) : []),
    ...elsewhere.map(({ from, ...fault }) => ({ ...fault, source: placeOf(from) })),
  ];
  const jobs = settled['agent.jobs'];
  if (jobs.value !== undefined && !statSync(String(jobs.value), { throwIfNoEntry: false })?.isDirectory())
    faults.push({ key: 'agent.jobs', message: `there is no directory ${jobs.value}`, source: placeOf(jobs.from) });
  const log = settled['log.path'];
  const logFault =
    log.from.kind === 'default' || !existsSync(dirname(String(log.value)))
      ? undefined
      : logDirFault(dirname(String(log.value)));
  if (logFault !== undefined) faults.push({ key: 'log.path', message: logFault, source: placeOf(log.from) });
  let broker: Found['broker'];
  try {
    const access = brokerAccessOf(brokerWordsOf(settled, args), around, env);
    broker = access && { servers: access.servers, identity: access.identity };
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    faults.push({ key: 'broker', message: error.message, source: placeOf(settled['broker.connection'].from) });
  }
  const rows = [...settingNames.map((key): Row => rowOf(key, settled[key])), ...loginRows(env, around)];
  return { file, rows, broker, faults };
}

function rowOf(key: string, { value, from }: Settled): Row {
  // Of addresses with a login only the host behind the last one is shown.
  if (key !== 'agent.nats_url' || !String(value).includes('@')) return { key, value: value ?? null, from };
  return { key, value: `(hidden)@${String(value).slice(String(value).lastIndexOf('@') + 1)}`, is_hidden: true, from };
}

/** What the environment says of the login: a secret never, and a path only where it leads to a file. */
function loginRows(env: Io['env'], { cwd }: Surroundings): Row[] {
  return ['TOKEN', 'USER', 'PASSWORD', 'CREDS', 'NKEY', 'CA', 'CERT', 'KEY'].flatMap((word): Row[] => {
    const name = `KANADE_NATS_${word}`;
    const value = env[name];
    if (!value) return [];
    const row = { key: `broker.${word.toLowerCase()}`, from: { kind: 'environment', name } } as const;
    const isShown = word === 'USER' || (word !== 'TOKEN' && word !== 'PASSWORD' && existsSync(resolve(cwd, value)));
    return [isShown ? { ...row, value } : { ...row, value: null, is_hidden: true }];
  });
}

const verdictOf = ({ file, faults }: Found) => ({
  type: 'agent.config',
  ok: faults.length === 0,
  file: file?.path ?? null,
  ...(faults.length === 0
    ? {}
    : {
        error: {
          code: 'config_unusable',
          message: refusal(faults),
          exit_code: exitCodes.config_unusable,
        },
        faults,
      }),
  notes: file?.notes ?? [],
});

const refusal = ({ length }: readonly Fault[]): string =>
  `${length} ${length === 1 ? 'fault' : 'faults'}; an agent would not start`;

const tellAll = ({ rows, broker }: Found) => ({ settings: rows, broker: broker ?? null });

function placeOf(from: Source): string {
  switch (from.kind) {
    case 'argument':
      return `argument ${from.name}`;
    case 'environment':
      return `environment ${from.name}`;
    case 'file':
      return `${from.path}:${from.line}`;
    case 'default':
      return 'default';
  }
}

function checked({ file, faults }: Found): string {
  const notes = (file?.notes ?? []).map((note) => `note: ${remarkLine(file?.path ?? '', note)}\n`);
  const wrong = faults.map((fault) => `${remarkLine(fault.source, fault)}\n`);
  const where = file === undefined ? 'there is no configuration file' : file.path;
  const verdict = faults.length === 0 ? `${where}: sound\n` : `${refusal(faults)}\n`;
  return [...notes, ...wrong, verdict].join('');
}

function shown(found: Found): string {
  const { rows, broker } = found;
  const cells = rows.map(({ key, value, is_hidden, from }) => [
    key,
    is_hidden && value === null ? '(hidden)' : value === null ? '-' : String(value),
    placeOf(from),
  ]);
  const widths = [0, 1].map((column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  const lines = cells.map(
    (row) =>
      `${row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd()}\n`,
  );
  const reached = broker ? `broker: ${broker.servers.join(', ')} as ${broker.identity}\n` : 'broker: none\n';
  return `${lines.join('')}\n${reached}${checked(found)}`;
}
