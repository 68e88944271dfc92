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

/**
 * Who was last at the machine while this agent ran: the person of the active session (logind). Sessions are read only when one
 * began, ended, or went to the front.
 */
export function createLastLogon(log: Logger, dir = '/run/systemd/sessions'): () => Logon {
  let known: Logon = {};
  let seen: string | undefined;
  return () => {
    const stat = statSync(dir, { throwIfNoEntry: false, bigint: true });
    const now = stat && `${stat.ino} ${stat.mtimeNs}`;
    if (now === undefined || now === seen) return known;
    seen = now;
    try {
      const user = activeSessionUser();
      if (user) known = logonOf(user.name, accountRow(user.uid));
    } catch (error) {
      log.debug({ err: error }, 'who is at the machine could not be read');
    }
    return known;
  };
}

/** The comment of an account holds its full name, up to the first comma (passwd(5)). */
function logonOf(name: string, row: string): Logon {
  const fullName = row.split(':')[4]?.split(',', 1)[0]?.trim();
  return { last_logon_user: name, ...(fullName ? { last_logon_display_name: fullName } : {}) };
}
