import { lstatSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { takeLock } from '@kanade/durable/lock';
import { agentFiles } from '@kanade/shared/local-words';
import { AgentError } from '../agent-error.ts';
import { faultOnWay } from './ownership.ts';

/** The data directory of an agent, held by this process alone until it is disposed of or the process ends. */
export interface DataDir extends Disposable {
  readonly database: string;
  readonly jobs: string;
  readonly staged: string;
  /** Archives of files that runs collected, until they are in their store. */
  readonly collected: string;
  /** Scripts of the object store. */
  readonly scripts: string;
  /** Says why every order is refused, while that is so: for `doctor`. */
  readonly lockedOrders: string;
  /** The agent's own log. */
  readonly log: string;
}

/**
 * Makes the directory (0700), asserts that nobody else can change it or exchange it for another, and takes its lock. Throws
 * AgentError `data_dir_unusable` or `data_dir_locked`.
 */
export function openDataDir(path: string): DataDir {
  const paths = {
    database: join(path, agentFiles.database),
    jobs: join(path, 'jobs'),
    staged: join(path, 'staged'),
    collected: join(path, 'collected'),
    scripts: join(path, 'script_cache'),
    lockedOrders: join(path, agentFiles.lockedOrders),
    log: join(path, agentFiles.log),
  };
  const dirs = [paths.jobs, paths.staged, paths.collected, paths.scripts];
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    const fault = faultOnWay(path, { isOwn: true });
    if (fault !== undefined) throw new Error(fault);
    for (const dir of dirs) mkdirSync(dir, { recursive: true, mode: 0o700 });
    for (const dir of dirs) if (lstatSync(dir).isSymbolicLink()) throw new Error(`${dir} is a link`);
    const lock = takeLock(join(path, agentFiles.lock));
    if (lock.kind === 'held') return { ...paths, [Symbol.dispose]: lock.release };
    if (lock.kind === 'gone') throw new Error('it went while its lock was taken');
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
