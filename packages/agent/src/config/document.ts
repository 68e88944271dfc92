/** What stands in a configuration file, or what is wrong with it: all of it at once. Loaded where there is a file: it needs the parser. */
import { likely } from '@kanade/shared/likely';
import { parse, TomlError } from 'smol-toml';
import { type KeyPlace, keyPlaces } from './key-places.ts';
import {
  formerKeys,
  type Setting,
  type SettingKind,
  type SettingName,
  settingNames,
  settingTable,
} from './setting-table.ts';
import { fill, hasBlock, shelterQuotes, TemplateFault, type TemplateScope } from './template.ts';

/** What is to be said of one place of a file. */
export interface Remark extends Partial<KeyPlace> {
  readonly key?: string;
  readonly message: string;
  /** The key that was meant. */
  readonly suggestion?: string;
}

/** What a key of the file says. */
export interface FileValue extends KeyPlace {
  readonly value: string | number | boolean;
}

export interface ConfigDocument {
  readonly values: ReadonlyMap<SettingName, FileValue>;
  /** Why the file cannot be used. */
  readonly faults: readonly Remark[];
  /** What it says in vain. */
  readonly notes: readonly Remark[];
}

type Table = Record<string, unknown>;

/** Reads the text of a configuration file. Never throws; no fault repeats a value. */
export function readDocument(bytes: Uint8Array, scope: Omit<TemplateScope, 'vars'>): ConfigDocument {
  const refused = (remark: Remark): ConfigDocument => ({ values: new Map(), faults: [remark], notes: [] });
  let text: string;
  try {
    text = shelterQuotes(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return refused({ message: 'it is not written in UTF-8' });
  }
  let document: Table;
  try {
    document = parse(text);
  } catch (error) {
    return refused(syntaxFault(error, text));
  }
  return readTables(document, keyPlaces(text), scope);
}

/** In the parser's words, without the line that it quotes: a password may stand there. */
function syntaxFault(error: unknown, text: string): Remark {
  if (!(error instanceof TomlError)) return { message: 'it is no TOML' };
  const { line, column, message } = error;
  const quoted = text.split('\n')[line - 1] ?? '';
  if (hasBlock(quoted) || quoted.includes('{{'))
    return { line, column, message: 'templates may stand in texts alone, as in id = "{{ system.host }}"' };
  const [what = ''] = message.replace('Invalid TOML document: ', '').split('\n');
  return { line, column, message: `it is no TOML: ${what}` };
}

function readTables(
  document: Table,
  places: ReadonlyMap<string, KeyPlace>,
  scope: Omit<TemplateScope, 'vars'>,
): ConfigDocument {
  const values = new Map<SettingName, FileValue>();
  const faults: Remark[] = [];
  const notes: Remark[] = [];
  const vars = isTable(document.vars) ? document.vars : {};
  if (document.vars !== undefined && !isTable(document.vars)) faults.push(remarkOn('vars', 'must be a table'));

  function remarkOn(key: string, message: string, more: Partial<Remark> = {}): Remark {
    return { ...places.get(key), key, message, ...more };
  }
  function take(key: string, value: unknown): void {
    const former = Object.hasOwn(formerKeys, key) ? formerKeys[key] : undefined;
    if (former) (former.isRefused ? faults : notes).push(remarkOn(key, former.why));
    else if (!isSetting(key)) faults.push(unknownKey(key, remarkOn));
    else {
      const read = readValue(settingTable[key], value, { ...scope, vars });
      if ('fault' in read) faults.push(remarkOn(key, read.fault));
      else values.set(key, { line: 0, column: 0, ...places.get(key), value: read.value });
    }
  }
  for (const [name, value] of Object.entries(document)) {
    if (name === 'vars') continue;
    if (!sections.includes(name) || Object.hasOwn(formerKeys, name)) take(name, value);
    else if (!isTable(value)) faults.push(remarkOn(name, 'must be a table'));
    else for (const [key, inner] of Object.entries(value)) take(`${name}.${key}`, inner);
  }
  return { values, faults, notes };
}

const sections = [...new Set(settingNames.map((name) => name.split('.')[0] ?? ''))];

const isTable = (value: unknown): value is Table =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);

const isSetting = (key: string): key is SettingName => Object.hasOwn(settingTable, key);

/** Characters of an unknown key that are shown. */
const shownMax = 60;

/** A key that is right but for its table is meant before one that is spelled alike. */
function unknownKey(key: string, remarkOn: (key: string, message: string, more: Partial<Remark>) => Remark): Remark {
  const last = key.slice(key.lastIndexOf('.') + 1);
  const elsewhere = settingNames.filter((name) => name.endsWith(`.${last}`));
  const isSection = !key.includes('.');
  const [meant] =
    elsewhere.length > 0 ? elsewhere : likely(key.slice(0, shownMax), isSection ? [...sections, 'vars'] : settingNames);
  const shown = key.length > shownMax ? `${key.slice(0, shownMax)}…` : key;
  return {
    ...remarkOn(key, 'unknown key', meant === undefined ? {} : { suggestion: meant }),
    key: shown.replace(/[^ -~]/g, '?'),
  };
}

const wanted: Readonly<Record<SettingKind, string>> = {
  text: 'must be a text in quotes, not empty',
  path: 'must be a path in quotes, not empty',
  flag: 'must be true or false',
  count: 'must be a whole number, not negative',
};

type Read = { readonly value: string | number | boolean } | { readonly fault: string };

function readValue({ kind }: Setting, value: unknown, scope: TemplateScope): Read {
  const fault = { fault: wanted[kind] };
  if (kind === 'flag') return typeof value === 'boolean' ? { value } : fault;
  if (kind === 'count') return Number.isSafeInteger(value) && Number(value) >= 0 ? { value: Number(value) } : fault;
  if (typeof value !== 'string') return fault;
  try {
    const filled = fill(value, scope);
    if (filled === '' || /\p{Cc}/u.test(filled)) return fault;
    return { value: filled };
  } catch (error) {
    if (error instanceof TemplateFault) return { fault: error.message };
    throw error;
  }
}
