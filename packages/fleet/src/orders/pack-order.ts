/** An order as it travels: its bytes, and what says who sent it. */
import {
  type Command,
  type CommandEnvelope,
  commandDefaults,
  envelopeKind,
  envelopeLifeMsMax,
  type Heartbeat,
  omitDefaults,
  type Target,
} from '@kanade/shared/fleet';
import type { Fleet } from '../connection/connect-fleet.ts';
import { isRefused } from '../fault/translate.ts';
import type { Signer } from '../keys/signer.ts';
import { pingAgent } from './ping-agent.ts';

/** How long a machine that is there may take to say what it accepts, in ms: a busy one is to get its envelope, too. One that is away is not waited for. */
const askMs = 5_000;

/** How an order is signed. */
export interface Provenance {
  readonly kid: string;
  /** `legacy`: the signature covers the command. `kanade.command.v2`: also the machine and the time that it is for. */
  readonly protocol: 'legacy' | typeof envelopeKind;
  /** Whether the machine said that it holds the key; undefined when it said nothing, and for several machines. */
  readonly isTrusted: boolean | undefined;
  /** The broker does not let this user ask machines: nothing is known of them, and nothing is sealed. */
  readonly mayNotAsk?: boolean | undefined;
}

export interface PackedOrder {
  readonly body: Uint8Array;
  readonly headers: Readonly<Record<string, string>>;
  /** Undefined for an order without a signature. */
  readonly provenance: Provenance | undefined;
}

export interface PackOptions {
  readonly target: Target;
  readonly signer?: Signer | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Packs a command, signed where there is a key. A single machine that says it can read it gets an envelope, which no other machine
 * accepts and none after 7 days or the deadline; everybody else the command itself with a signature beside it. Throws FleetError.
 */
export async function packOrder(fleet: Fleet, command: Command, options: PackOptions): Promise<PackedOrder> {
  const { target, signer, signal } = options;
  const plain = omitDefaults(command, commandDefaults);
  if (!signer) return { body: encode(plain), headers: {}, provenance: undefined };
  const asked = target.kind === 'pc' ? await ask(fleet, target.pc, signal) : undefined;
  const said = asked === 'refused' ? undefined : asked;
  const isTrusted = said?.command_keys?.includes(signer.commandKey);
  const nowMs = Date.now();
  const sealed = target.kind === 'pc' && isTrusted && said?.command_protocols?.includes(envelopeKind);
  const body = encode(sealed ? envelopeOf(plain, target.pc, nowMs) : plain);
  const protocol = sealed ? envelopeKind : 'legacy';
  const provenance = {
    kid: signer.kid,
    protocol,
    isTrusted,
    ...(asked === 'refused' ? { mayNotAsk: true } : {}),
  } as const;
  return { body, headers: signer.sign(body, nowMs), provenance };
}

/** What a machine says of itself. Whoever may not ask orders all the same: the day of break-glass is no day for good manners. */
async function ask(
  fleet: Fleet,
  pc: string,
  signal: AbortSignal | undefined,
): Promise<Heartbeat | undefined | 'refused'> {
  try {
    return await pingAgent(fleet, pc, { timeoutMs: askMs, signal });
  } catch (error) {
    if (!isRefused(error)) throw error;
    return 'refused';
  }
}

function envelopeOf(command: Command, pc: string, nowMs: number): CommandEnvelope {
  const deadlineMs = command.deadline_at === undefined ? Number.POSITIVE_INFINITY : Date.parse(command.deadline_at);
  // A deadline that has passed is for the machine to refuse, with a result that says so.
  const expiresMs = Math.min(nowMs + envelopeLifeMsMax, Math.max(nowMs, deadlineMs));
  return { kind: envelopeKind, target_pc_id: pc, expires_at: new Date(expiresMs).toISOString(), command };
}

const encode = (value: object): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
