import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { AgentError } from '../agent-error.ts';

/** The data directory of an agent, held by this process alone until it is disposed of or the process ends. */
export interface DataDir extends Disposable {
  readonly database: string;
  readonly jobs: string;
  readonly staged: string;
}

/** Makes the directory (0700) and takes its lock. Throws AgentError `data_dir_unusable` or `data_dir_locked`. */
export function openDataDir(path: string): DataDir {
  const paths = { database: join(path, 'agent.db'), jobs: join(path, 'jobs'), staged: join(path, 'staged') };
  try {
    for (const dir of [path, paths.jobs, paths.staged]) mkdirSync(dir, { recursive: true, mode: 0o700 });
    const lock = acquireLock(join(path, 'agent.lock'));
    if (lock) return { ...paths, [Symbol.dispose]: () => lock.close() };
  } catch (cause) {
    throw new AgentError(
      'data_dir_unusable',
      `use data directory ${path}: ${(cause as Error).message}; choose another with --data-dir or correct its owner and mode`,
      { cause },
    );
  }
  throw new AgentError(
    'data_dir_locked',
    `use data directory ${path}: another agent works on it; stop that one or choose another with --data-dir`,
  );
}

/** An open exclusive transaction is the one lock that every system takes back when its holder dies. */
function acquireLock(path: string): DatabaseSync | undefined {
  const database = new DatabaseSync(path, { timeout: 0 });
  try {
    database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
    return database;
  } catch (error) {
    database.close();
    if ((error as { errcode?: number }).errcode === 5 || /locked|busy/i.test(String(error))) return undefined;
    throw error;
  }
}
