import { readFileSync } from 'node:fs';
import { JobError } from '@kanade/runner';
import { compressionModes } from '@kanade/shared/job-words';
import { parse } from 'smol-toml';
import type { Config } from './settings.ts';

type Table = Record<string, unknown>;

/** Parses a configuration file. Unknown keys are ignored; a value of the wrong kind is a `config_error` that names it. */
export function readConfigFile(path: string): Config {
  const fail = (what: string, cause?: unknown): never => {
    throw new JobError('config_error', `configuration file ${path}: ${what}`, { cause });
  };
  let document: Table;
  try {
    document = parse(readFileSync(path, 'utf8'));
  } catch (error) {
    return fail((error as Error).message.split('\n')[0] ?? 'cannot be read', error);
  }
  const table = (name: string): Table => {
    const value = document[name] ?? {};
    return typeof value === 'object' && !Array.isArray(value) ? (value as Table) : fail(`[${name}] is not a table`);
  };
  /** The values of one table; `typed` refuses one of the wrong kind by its full name. */
  const valuesOf = (section: string) => {
    const values = table(section);
    const typed = <T>(name: string, isValid: (value: unknown) => boolean, what: string): T | undefined => {
      const value = values[name];
      if (value !== undefined && !isValid(value)) fail(`${section}.${name} must be ${what}: ${JSON.stringify(value)}`);
      return value as T | undefined;
    };
    const count = (name: string) =>
      typed<number>(name, (value) => Number.isSafeInteger(value) && Number(value) >= 0, 'a whole number');
    return { typed, count };
  };
  const gc = valuesOf('gc');
  const limits = valuesOf('limits');
  const named = table('compression').default;
  const compression = compressionModes.find((mode) => mode === named);
  if (named !== undefined && compression === undefined) {
    fail(`compression.default must be one of ${compressionModes.join(', ')}: ${JSON.stringify(named)}`);
  }
  const output = document.output;
  if (output !== undefined && output !== 'json' && output !== 'yaml' && output !== 'human') {
    fail(`output must be one of json, yaml, human: ${JSON.stringify(output)}`);
  }
  const shell = valuesOf('shell').typed<string[]>(shellKey, isWords, 'a list of words');
  if (shell?.length === 0) throw emptyShell(path);
  return {
    output: output as Config['output'],
    compression,
    ...(shell === undefined ? {} : { shell }),
    limits: {
      jobs: limits.count('jobs'),
      bytes: limits.count('bytes'),
      inodes: limits.count('inodes'),
      log_bytes: limits.count('log_bytes'),
      log_overflow: limits.typed('log_overflow', (value) => value === 'trim' || value === 'stop', '"trim" or "stop"'),
    },
    gc: {
      auto: gc.typed<boolean>('auto', (value) => typeof value === 'boolean', 'true or false'),
      older_than: gc.typed<string>('older_than', (value) => typeof value === 'string', 'a text such as "30d"'),
      max_jobs: gc.count('max_jobs'),
      max_bytes: gc.count('max_bytes'),
      scan_limit: gc.count('scan_limit'),
      delete_limit: gc.count('delete_limit'),
    },
  };
}

const shellKey = process.platform === 'win32' ? 'windows' : 'unix';

/** Of all that can be wrong this alone has another code (contract, section 5.5). */
const emptyShell = (path: string): JobError =>
  new JobError('internal_error', `configuration file ${path}: shell.${shellKey} must not be empty`);

const isWords = (value: unknown): boolean => Array.isArray(value) && value.every((word) => typeof word === 'string');
