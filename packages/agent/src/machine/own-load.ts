/** What an agent says of itself and of the person at its machine in every heartbeat: cheap enough to be asked each second. */
import { readFileSync, statSync } from 'node:fs';
import { accountRow, activeSessionUser } from '@kanade/runner/process';
import type { Heartbeat } from '@kanade/shared/fleet';
import type { Logger } from '../config/logger.ts';
import { parseProcessIo } from './proc-text.ts';

/** What this process had the storage read and write since its start; empty where the system does not say. */
export function ownDisk(): Pick<Heartbeat, 'agent_disk_read_bytes' | 'agent_disk_written_bytes'> {
  if (process.platform !== 'linux') return {};
  try {
    return parseProcessIo(readFileSync('/proc/self/io', 'latin1'));
  } catch {
    return {}; // a hardened kernel may keep it even from ourselves
  }
}

type Logon = Pick<Heartbeat, 'last_logon_user' | 'last_logon_display_name'>;

/** What of the system says who is at the machine. */
export interface LogonSources {
  /** Another text when a session began, ended, or went to the front; undefined where nobody keeps sessions. */
  readonly stamp: () => string | undefined;
  readonly activeUser: () => { readonly name: string; readonly uid: number } | undefined;
  /** The row of an account, as in passwd(5). */
  readonly accountRow: (uid: number) => string;
}

/**
 * Who was last at the machine while this agent ran: the person of the active session (logind). Sessions and accounts are read only
 * when something about sessions has changed.
 */
export function createLastLogon(log: Logger, sources: LogonSources = ofLogind): () => Logon {
  let known: Logon = {};
  let seen: string | undefined;
  return () => {
    const now = sources.stamp();
    if (now === undefined || now === seen) return known;
    seen = now;
    try {
      const user = sources.activeUser();
      if (user) known = logonOf(user.name, sources.accountRow(user.uid));
    } catch (error) {
      log.debug({ err: error }, 'who is at the machine could not be read');
    }
    return known;
  };
}

const ofLogind: LogonSources = {
  stamp() {
    const stat = statSync('/run/systemd/sessions', { throwIfNoEntry: false, bigint: true });
    return stat && `${stat.ino} ${stat.mtimeNs}`;
  },
  activeUser: activeSessionUser,
  accountRow,
};

/** The comment of an account holds its full name, up to the first comma (passwd(5)). */
function logonOf(name: string, row: string): Logon {
  const fullName = row.split(':')[4]?.split(',', 1)[0]?.trim();
  return { last_logon_user: name, ...(fullName ? { last_logon_display_name: fullName } : {}) };
}
