/** Signals: their names, and the only place that sends one. */
import { isAlive, once, type ProcessIdentity } from './identity.ts';

/** `sent`, or `gone` when the process no longer exists, or `denied` when the system forbids it. */
export type SignalOutcome = 'sent' | 'gone' | 'denied';

/**
 * The only place that signals a process. Checks the identity right before, so a reused pid is not hit; `group` addresses
 * the whole process group that the process leads. Whoever may be mixed up with one that started in the same clock tick brings a
 * closer look, `isMeant`.
 */
export function sendSignal(
  target: ProcessIdentity,
  signal: NodeJS.Signals,
  to: 'process' | 'group' = 'process',
  isMeant: (target: ProcessIdentity) => boolean = isAlive,
): SignalOutcome {
  if (!isMeant(target)) return 'gone';
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

/** A signal by name (`SIGTERM`) and number on this system. */
export interface SignalName {
  readonly name: NodeJS.Signals;
  readonly number: number;
}

/** Loaded when somebody asks for a signal: most calls do not, and it costs a third of a millisecond of their start-up. */
const signals = once(() => process.getBuiltinModule('node:os').constants.signals);

/** Finds a signal by name, with or without `SIG`, in any case, or by number; undefined when this system has none. */
export function parseSignal(text: string): SignalName | undefined {
  const upper = text.trim().toUpperCase();
  if (/^\d{1,2}$/.test(upper)) return signalByNumber(Number(upper));
  const name = (upper.startsWith('SIG') ? upper : `SIG${upper}`) as NodeJS.Signals;
  const number = Object.hasOwn(signals(), name) ? signals()[name] : undefined;
  return number === undefined ? undefined : { name, number };
}

/** The signal that has this number on this system. */
export function signalByNumber(number: number): SignalName | undefined {
  for (const [name, value] of Object.entries(signals())) {
    if (value === number) return { name: name as NodeJS.Signals, number };
  }
  return undefined;
}
