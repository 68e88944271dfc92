import { mkdirSync, realpathSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { mayOthersWrite } from '@kanade/durable/files';
import { AgentError } from '../agent-error.ts';

/** The disk is at fault, not who set the path: the agent does its work, and takes the file up when it can. */
const ofTheDisk: readonly string[] = ['ENOSPC', 'EDQUOT', 'EROFS', 'EIO'];

/**
 * Makes the directory of a log that was set (0750). Throws AgentError `config_unusable` when others could put something in the place of
 * the log, or it cannot be made.
 */
export function openLogDir(path: string): void {
  const dir = dirname(path);
  try {
    mkdirSync(dir, { recursive: true, mode: 0o750 });
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    if (ofTheDisk.includes(code)) return;
    throw new AgentError('config_unusable', `log.path ${path} cannot be used: ${message}`, { cause: error });
  }
  const fault = logDirFault(dir);
  if (fault !== undefined) throw new AgentError('config_unusable', `log.path ${path} cannot be used: ${fault}`);
}

/**
 * Why no log may be kept in a directory that is there. What is above it is the system's business: some give `/var/log` to a group of
 * their own, and whoever is in it could only have us write in another directory that is ours alone.
 */
export function logDirFault(dir: string): string | undefined {
  const uid = process.geteuid?.();
  if (uid === undefined) return undefined; // Windows has neither owner nor mode here
  const stats = statSync(realpathSync(dir));
  if (!stats.isDirectory()) return `${dir} is no directory`;
  if (stats.uid !== uid) return `${dir} belongs to user ${stats.uid}: it must belong to the user of the agent (${uid})`;
  return mayOthersWrite(stats, uid) ? `${dir} can be written by others: take that right away (chmod go-w)` : undefined;
}
