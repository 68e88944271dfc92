/** Enrols this machine: asks with a token for credentials of its own and puts them where its agent looks. Loaded on demand. */
import { FleetError } from '@kanade/fleet/connection';
import { accountOf, askEnrolment, type Enrolled, machineIn, newMachineSeed, parseToken } from '@kanade/fleet/enrol';
import { askSystem } from '@kanade/runner/process';
import { readKeyring } from '@kanade/shared/fleet';
import { enrolledCreds, install, keepPending, readPending } from './places.ts';

export interface EnrolAsked {
  /** Text of the token. */
  readonly token: string;
  readonly pc: string;
  /** Somebody has given it that name; else one that it was enrolled by stays. */
  readonly isNamed: boolean;
  /** The connection file of the agent. */
  readonly connection: string;
  /** How long an issuer is waited for, in ms. */
  readonly waitMs: number;
  /** Restart the service of the agent where systemd has one. */
  readonly restarts: boolean;
  readonly onWaiting: () => void;
  readonly signal: AbortSignal;
}

/** What was done, as it is told. */
export interface EnrolTold {
  readonly pc_id: string;
  readonly servers: readonly string[];
  readonly public_key: string;
  readonly generation: number;
  readonly groups: readonly string[];
  /** It had been enrolled with this key before. */
  readonly again: boolean;
  readonly connection: string;
  readonly creds: string;
  readonly command_keys?: { readonly path: string; readonly kids: readonly string[]; readonly enforcing: boolean };
  /** A connection file of before, under its new name. */
  readonly kept?: string;
  readonly service: 'restarted' | 'not_restarted' | 'failed' | 'absent';
}

/** How long the service manager may take, in ms. */
const restartMs = 30_000;
const unit = 'kanade-agent.service';

/** Throws FleetError; then nothing was changed. Safe to repeat: the same machine gets the same again and uses nothing of the token. */
export async function enrolMachine(asked: EnrolAsked): Promise<EnrolTold> {
  const { connection } = asked;
  const token = parseToken(asked.token, Date.now());
  const pc = nameOf(asked, token);
  const { enrolled, again } = await ask({ ...asked, pc }, token);
  const ring = ringIn(enrolled.keyring);
  const { servers, ca, tls_first: tlsFirst = false } = token;
  const { creds, keyring } = enrolled;
  const places = install(connection, { servers, tlsFirst, creds, ca, keyring });
  return {
    pc_id: pc,
    servers,
    public_key: enrolled.publicKey,
    generation: enrolled.generation,
    groups: enrolled.groups,
    again,
    connection,
    creds: places.creds,
    ...(places.keyring === undefined || !ring ? {} : { command_keys: { path: places.keyring, ...ring } }),
    ...(places.kept === undefined ? {} : { kept: places.kept }),
    service: asked.restarts ? restart() : 'not_restarted',
  };
}

type Token = ReturnType<typeof parseToken>;

/** The name that it has in that fleet, unless it is told of one. */
function nameOf({ pc, isNamed, connection }: EnrolAsked, token: Token): string {
  const known = machineIn(enrolledCreds(connection) ?? '');
  const isKnown = known !== undefined && known.account === accountOf(token);
  return !isNamed && isKnown && typeof known.name === 'string' ? known.name : pc;
}

/** With the key that this machine has for that name and fleet, else with a new one. */
async function ask(
  { pc, connection, waitMs, onWaiting, signal }: EnrolAsked,
  token: Token,
): Promise<{ enrolled: Enrolled; again: boolean }> {
  const account = accountOf(token);
  const inUse = machineIn(enrolledCreds(connection) ?? '');
  const pending = readPending(connection);
  const isIts = (known: { account: unknown } | undefined, name: unknown): boolean =>
    known?.account === account && name === pc;
  const held = isIts(inUse, inUse?.name) ? inUse?.seed : undefined;
  const begun = isIts(pending, pending?.pc) ? pending?.seed : undefined;
  const askWith = (seed: string): Promise<Enrolled> => askEnrolment({ token, pc, seed, waitMs, onWaiting, signal });
  const anew = async (): Promise<Enrolled> => {
    const seed = newMachineSeed();
    keepPending(connection, { pc, account, seed });
    return askWith(seed);
  };
  const known = begun ?? held;
  if (known === undefined) return { enrolled: await anew(), again: false };
  try {
    return { enrolled: await askWith(known), again: known === held };
  } catch (error) {
    // Its credentials were ended, and it is let in anew.
    if (!(error instanceof FleetError) || error.code !== 'enrol_key_taken') throw error;
    return { enrolled: await anew(), again: false };
  }
}

/** A ring that the agent would not take must not take the place of one that it does. */
function ringIn(text: string | undefined): { kids: string[]; enforcing: boolean } | undefined {
  if (text === undefined) return undefined;
  const read = readKeyring([{ name: 'the key ring', text }]);
  if (!read.ok) throw new FleetError('enrol_answer_invalid', `nothing was changed: ${read.reason}`);
  return { kids: read.keys.map(({ kid }) => kid), enforcing: read.enforcing };
}

/** Restarts the agent where systemd has one; its jobs go on. */
function restart(): EnrolTold['service'] {
  if (process.platform !== 'linux') return 'absent';
  const loaded = askSystem('systemctl', ['show', '--property=LoadState', '--value', unit], restartMs);
  if (loaded?.trim() !== 'loaded') return 'absent';
  return askSystem('systemctl', ['restart', unit], restartMs) === undefined ? 'failed' : 'restarted';
}
