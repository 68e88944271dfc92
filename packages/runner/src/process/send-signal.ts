import { isAlive, type ProcessIdentity } from './identity.ts';

/** `sent`, or `gone` when the process no longer exists, or `denied` when the system forbids it. */
export type SignalOutcome = 'sent' | 'gone' | 'denied';

/**
 * The only place that signals a process. Checks the identity first, so a reused pid is never hit; `group` addresses
 * the whole process group that the process leads.
 */
export function sendSignal(
  target: ProcessIdentity,
  signal: NodeJS.Signals,
  to: 'process' | 'group' = 'process',
): SignalOutcome {
  if (!isAlive(target)) return 'gone';
  try {
    process.kill(to === 'group' ? -target.pid : target.pid, signal);
    return 'sent';
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ESRCH') return 'gone';
    if (code === 'EPERM') return 'denied';
    throw error;
  }
}
