/** How a tree ended: from what the shim recorded, and from who had asked for it. */
import type { Ending, StopBy } from '@kanade/shared/job';

/** A request to stop, or to send one signal. */
export interface StopRequest {
  /** `stop`: the tree shall end. `signal`: somebody sent one signal, and the workload may do with it what it likes. */
  readonly intent: 'stop' | 'signal';
  readonly by: StopBy;
  readonly signal_number: number;
}

/** The signal that ended the workload. Where the shell reports none, a stop that we sent with that signal decides. */
export function signalOf(
  record: { status: number; reported: boolean },
  stop: StopRequest | undefined,
): number | undefined {
  if (record.status <= 128) return undefined;
  const signal = record.status - 128;
  return record.reported || stop?.signal_number === signal ? signal : undefined;
}

/** The ending from what was observed and who had asked for a stop, if anybody. */
export function endingOf(status: number, signal: number | undefined, stop: StopRequest | undefined): Ending {
  const how = signal === undefined ? { exitCode: status } : { signal };
  const asked = stop && (stop.intent === 'stop' || stop.signal_number === signal);
  if (!stop || !asked)
    return signal === undefined ? { kind: 'exited', exitCode: status } : { kind: 'signaled', signal };
  return stop.by === 'timeout' ? { kind: 'timed_out', ...how } : { kind: 'killed', by: stop.by, ...how };
}
