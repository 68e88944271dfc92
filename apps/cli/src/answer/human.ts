/**
 * Answers for people: one clear sentence, then tables and details, then what was printed. A pure function of an answer; loaded
 * on demand.
 */
import { type Columns, cellsOf, stateColours } from './columns.ts';
import { type Cell, type Colour, createPaint, lineOf, type Paint, printable, sizeOf, tableOf, timeOf } from './ink.ts';
import { printedOf } from './printed.ts';
import { branchesOf, queueTables } from './queue-answers.ts';
import { releaseTables, updateCell } from './release-answers.ts';
import { endingSentence, sentenceOf } from './sentence.ts';
import { settingsTables } from './settings-answers.ts';
import type { Sentence, Told } from './told.ts';

const signs: Readonly<Record<Sentence['mark'], { readonly sign: string; readonly colour: Colour | undefined }>> = {
  good: { sign: '✓ ', colour: 'green' },
  bad: { sign: '✗ ', colour: 'red' },
  open: { sign: '● ', colour: 'yellow' },
  plain: { sign: '', colour: undefined },
};

const { value, coloured, keys } = cellsOf;

export interface HumanOptions {
  /** Paint with colours. */
  readonly colourful: boolean;
  /** It is for a terminal: control characters that other machines print are shown as what they are. */
  readonly isScreen?: boolean;
}

/** The text of an answer for people. A list is a table with its sentence below. */
export function humanOf(answer: object, { colourful, isScreen = false }: HumanOptions): string {
  const told = answer as Told;
  const paint = createPaint(colourful);
  const said = sentenceOf(told);
  const sentence = said ? `${paint(`${signs[said.mark].sign}${printable(said.text)}`, signs[said.mark].colour)}\n` : '';
  if (told.type === 'schema') return `${JSON.stringify(told.schema, null, 2)}\n`;
  if (told.ok === false) return `${sentence}${errorFields(told.error as Told, paint)}`;
  const body = bodyOf(told, paint);
  if (said?.mark === 'plain' && Object.hasOwn(tables, String(told.type)))
    return body === '' ? sentence : `${body}\n${sentence}`;
  return `${sentence}${body}${fieldsOf(told, paint)}${printedOf(told, paint, isScreen)}`;
}

const notAnswered: Readonly<Record<string, string>> = {
  online: 'has not answered',
  away: 'away',
  unknown: 'not heard of',
};

const ended = (row: Told): Cell => {
  if (typeof row.state === 'string' && Object.hasOwn(notAnswered, row.state))
    return { text: notAnswered[row.state] ?? '', colour: 'yellow' };
  if (row.skipped) return { text: 'skipped', colour: 'yellow' };
  const { mark, text } = endingSentence({ ...row, started_at: undefined });
  return { text: `${signs[mark].sign}${text}`, colour: signs[mark].colour };
};

const took = ({ started_at, finished_at }: Told): Cell => {
  const ms = Date.parse(String(finished_at)) - Date.parse(String(started_at));
  return { text: Number.isFinite(ms) ? timeOf(ms) : '' };
};

const records: Columns = {
  rows: 'records',
  columns: { ...keys('id', 'subject'), state: coloured('state'), ...keys('attempts', 'bytes', 'due_at', 'reason') },
};

const findings: Columns = {
  rows: 'findings',
  columns: {
    '': ({ ok }) => (ok === true ? { text: '✓', colour: 'green' } : { text: '✗', colour: 'red' }),
    ...keys('name', 'detail'),
    fix: ({ fix }) => ({ text: lineOf(fix), colour: 'yellow' }),
  },
};
/** Machines that have answered, then those that have not. */
const answers: Columns = { rows: 'results', below: 'missing', columns: { machine: value('pc_id'), ended, took } };

const shareOf = (percent: unknown): string => (typeof percent === 'number' ? `${Math.round(percent)} %` : '');

/** How much of its memory a machine uses, of how much. */
function memoryOf({ mem_used_bytes: used, mem_total_bytes: total }: Told): string {
  if (typeof used !== 'number' || typeof total !== 'number') return '';
  const gib = (bytes: number): string => (bytes / 1024 ** 3).toFixed(1);
  return `${gib(used)} of ${gib(total)} GiB`;
}

const tables: Readonly<Record<string, Columns>> = {
  list: {
    rows: 'jobs',
    columns: {
      ...keys('short_job_id'),
      state: coloured('state'),
      ...keys('exit_code', 'started_at', 'tags', 'command'),
    },
  },
  delete: { rows: 'jobs', columns: keys('job_id', 'state', 'action', 'reason') },
  doctor: findings,
  'fleet.doctor': findings,
  'fleet.exec': answers,
  'fleet.wait': answers,
  'fleet.run': answers,
  'fleet.results': {
    rows: 'results',
    below: 'running',
    columns: {
      machine: value('pc_id'),
      job: ({ job_id, parent_result_id }) => ({ text: `${parent_result_id ? '└ ' : ''}${lineOf(job_id)}` }),
      ended,
      took,
      started: value('started_at'),
      order: ({ exec_id, user_sid }) => ({ text: lineOf(exec_id ?? user_sid) }),
      result: value('result_id'),
    },
  },
  'fleet.show': {
    rows: 'after',
    columns: { 'ran after it': value('job_id'), ended, took, result: value('result_id') },
  },
  'fleet.kill': { rows: 'stopped', columns: { machine: value('pc_id'), ended, report: value('report') } },
  'fleet.audit': {
    rows: 'records',
    columns: {
      at: value('at'),
      who: ({ user, host }) => ({ text: lineOf(`${user}@${host}`) }),
      did: value('action'),
      about: value('about'),
      job: ({ order }) => ({ text: lineOf((order as Told | undefined)?.job_id) }),
    },
  },
  'fleet.events': {
    rows: 'records',
    columns: { at: value('at'), machine: value('pc_id'), kind: value('kind'), ...keys('source', 'payload') },
  },
  'fleet.agents': {
    rows: 'agents',
    columns: {
      machine: value('pc_id'),
      host: value('hostname'),
      system: value('os_family'),
      agent: value('agent_version'),
      heard: value('at'),
      cpu: ({ host_perf }) => ({ text: shareOf((host_perf as Told | undefined)?.cpu_pct) }),
      memory: ({ host_perf }) => ({ text: memoryOf((host_perf as Told | undefined) ?? {}) }),
      update: updateCell,
      doubtful: ({ config_conflicts }) => ({ text: lineOf(config_conflicts), colour: 'yellow' }),
    },
  },
  'fleet.job.list': {
    rows: 'jobs',
    columns: {
      ...keys('id', 'version', 'category', 'tags', 'description'),
      faults: ({ faults }) => ({ text: lineOf(faults), colour: 'red' }),
    },
  },
  'fleet.job.put': {
    rows: 'jobs',
    columns: {
      ...keys('id', 'version', 'file'),
      was: ({ created }) => ({ text: created ? 'new' : 'there' }),
      notes: ({ notes }) => ({ text: lineOf(notes), colour: 'yellow' }),
    },
  },
  'fleet.script.list': {
    rows: 'scripts',
    columns: {
      ...keys('script'),
      size: ({ size_bytes }) => ({ text: sizeOf(Number(size_bytes)) }),
      ...keys('stored_at', 'jobs', 'sha256'),
    },
  },
  'fleet.collect.list': {
    rows: 'bundles',
    columns: {
      ...keys('key'),
      size: ({ size_bytes }) => ({ text: sizeOf(Number(size_bytes)) }),
      ...keys('stored_at', 'sha256'),
    },
  },
  ...releaseTables,
  ...settingsTables,
  ...queueTables,
  'outbox.list': records,
  'outbox.quarantine': records,
  'outbox.drops': { rows: 'drops', columns: keys('id', 'subject', 'bytes', 'reason', 'dropped_at') },
};

/** The list of an answer, in columns; of columns with heads alone nothing is shown. */
function bodyOf(told: Told, paint: Paint): string {
  if (told.type === 'outbox.count') return countsOf(told, paint);
  const known = tables[String(told.type)];
  const first = known ? told[known.rows] : undefined;
  if (!known || !Array.isArray(first)) return '';
  const more = known.below === undefined ? undefined : told[known.below];
  const rows = Array.isArray(more) ? [...first, ...more] : told.type === 'list' ? branchesOf(first) : first;
  const columns = Object.entries(known.columns).map(([head, cellOf]) => ({
    head,
    cells: rows.map((row) => cellOf(row as Told)),
  }));
  const isNeeded = ({ cells, head }: { cells: Cell[]; head: string }): boolean =>
    known === tables.list || head === '' || cells.some(({ text }) => text !== '');
  const shown = columns.filter(isNeeded);
  return tableOf(
    shown.map(({ head }) => head),
    rows.map((_, row) => shown.map(({ cells }) => cells[row] ?? { text: '' })),
    paint,
  );
}

/** States of an outbox with how many records and bytes are in each; reasons of drops are states too. */
function countsOf(told: Told, paint: Paint): string {
  const tallies = Object.entries({ ...told, ...(told.dropped as Told) }).flatMap(([state, tally]) => {
    const { records: count, bytes } = (tally ?? {}) as Told;
    return typeof count === 'number'
      ? [[{ text: state }, { text: String(count) }, { text: sizeOf(Number(bytes)) }]]
      : [];
  });
  return tableOf(['state', 'records', 'size'], tallies, paint);
}

/** Keys that the sentence, the tables or nobody needs. */
const hidden = [
  ...['schema_version', 'ok', 'type', 'encoding', 'stdout', 'stderr', 'stdout_range', 'stderr_range'],
  ...['stdout_total_bytes', 'stderr_total_bytes', 'waited_ms', 'elapsed_ms', 'duration_ms', 'signal_number'],
  ...['terminated_signal_number', 'error', 'skipped', 'agent', 'log_bytes_max', 'listened_ms', 'compression'],
];

/** Lines of a key and a value for everything that is not shown otherwise. */
function fieldsOf(told: Told, paint: Paint): string {
  const shown = Object.entries(told).filter(
    ([key, known]) => !hidden.includes(key) && !isShownElsewhere(told, key, known),
  );
  return linesOf(shown, paint);
}

const isShownElsewhere = (told: Told, key: string, known: unknown): boolean =>
  key === tables[String(told.type)]?.rows ||
  (Array.isArray(known) && (known.length === 0 || typeof known[0] === 'object')) ||
  (told.type === 'outbox.count' && typeof known === 'object');

function linesOf(entries: readonly (readonly [string, unknown])[], paint: Paint): string {
  const width = Math.max(0, ...entries.map(([key]) => key.length));
  return entries
    .map(([key, known]) => {
      const colour = key === 'state' ? stateColours[String(known)] : undefined;
      return `${paint(key.padEnd(width), 'dim')}  ${paint(lineOf(known), colour)}\n`;
    })
    .join('');
}

/** What a program would look at, below the sentence: the code, and what is known besides. */
function errorFields({ code, details, retryable }: Told, paint: Paint): string {
  const { faults, ...more } = (details ?? {}) as Told;
  const lines = (Array.isArray(faults) ? faults : []).map(({ line, path, message }: Told) =>
    printable(`  ${line ? `line ${line}: ` : ''}${path ?? ''} ${message ?? ''}`),
  );
  const again = retryable === true ? [['again', 'the same call may succeed later'] as const] : [];
  const rest = linesOf([['code', code], ...again, ...Object.entries(more)], paint);
  return `${lines.map((line) => `${line}\n`).join('')}${rest}`;
}
