import type { StreamConfig } from '@nats-io/jetstream';
import type { StreamDefinition } from './definitions.ts';

export type StreamSettings = Partial<StreamConfig> & Pick<StreamConfig, 'num_replicas'>;

/** A setting that stayed as an operator had made it. */
export interface KeptSetting {
  readonly setting: string;
  readonly is: unknown;
  readonly ours: unknown;
}

/** What whoever runs a broker decides about a stream that exists: how much it holds, how long, where. */
const operatorsOwn: readonly string[] = ['max_bytes', 'max_age', 'max_msgs_per_subject', 'storage'];

/**
 * What must be changed in a stream, and what may stay as somebody made it. `reset` leaves nothing. A stream that promises
 * one message per subject keeps that promise: it is what makes an order replace an older one.
 */
export function changesOf(
  existing: StreamSettings,
  definition: StreamDefinition,
  reset: boolean,
): { changes: Partial<StreamConfig>; kept: KeptSetting[] } {
  const have = existing as Record<string, unknown>;
  const changes: Record<string, unknown> = {};
  const kept: KeptSetting[] = [];
  for (const [setting, ours] of Object.entries(definition)) {
    const is = have[setting];
    if (JSON.stringify(is) === JSON.stringify(ours)) continue;
    if (setting === 'duplicate_window' && !reset && isEnough(have, Number(ours))) continue;
    const isPromise = setting === 'max_msgs_per_subject' && ours === 1;
    if (operatorsOwn.includes(setting) && !isPromise && !reset) kept.push({ setting, is, ours });
    else changes[setting] = ours;
  }
  return { changes, kept };
}

/** A stream knows ids for longer than we need, or for as long as it knows anything. */
const isEnough = ({ duplicate_window, max_age }: Record<string, unknown>, ours: number): boolean =>
  Number(duplicate_window) >= Math.min(ours, Number(max_age) || ours);
