import { once } from './once.ts';

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
