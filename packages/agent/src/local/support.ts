/**
 * Support codes: whoever says one opens the jobs of its scope for the own OS user, for a while. Needs no broker. Codes are judged one at
 * a time, each against every code there is, so that no answer, and no time to it, tells which of them there are.
 */
import { uptime } from 'node:os';
import { isCodeOf } from '@kanade/fleet/support';
import { KlpError } from '@kanade/klp';
import { isSupportCodeUsable, type SupportCode, supportCodesMax, supportMinutesOf } from '@kanade/shared/fleet';
import type { LocalErrorKind, UnlockGrant } from '@kanade/shared/local';
import { limits } from '../limits.ts';
import type { Tell } from '../report/events.ts';
import type { Attempts } from '../store/attempts.ts';
import type { LocalHandlers } from './session.ts';

export interface SupportOptions {
  readonly attempts: Attempts;
  /** The codes of the fleet as last known. */
  readonly codes: () => readonly SupportCode[];
  readonly tell: Tell;
  /** Runs on while the machine sleeps and is set by nobody, in ms. */
  readonly clockMs?: () => number;
}

export interface Support {
  /** Live grants of a user. Throws KlpError `Unauthorized`, whatever is wrong with the code, and `RateLimit`. */
  unlock(user: string, code: string): Promise<UnlockGrant[]>;
  /** Takes all grants of a user back; how many there were. */
  lock(user: string): number;
  grants(user: string): UnlockGrant[];
  /** Scopes that are open for a user now. */
  scopes(user: string): ReadonlySet<string>;
}

interface Grant {
  readonly scope: string;
  readonly label: string | undefined;
  readonly untilMs: number;
}

export function createSupport({ attempts, codes, tell, clockMs = () => uptime() * 1000 }: SupportOptions): Support {
  const held = new Map<string, Map<string, Grant>>();
  const inTurn = createTurn();

  function live(user: string): Grant[] {
    const nowMs = clockMs();
    const own = held.get(user);
    for (const [scope, { untilMs }] of own ?? []) if (untilMs <= nowMs) own?.delete(scope);
    if (own?.size === 0) held.delete(user);
    return [...(own?.values() ?? [])];
  }
  const grants = (user: string): UnlockGrant[] =>
    live(user).map(({ scope, label, untilMs }) => ({
      scope,
      ...(label === undefined ? {} : { label }),
      expires_at: new Date(Date.now() + untilMs - clockMs()).toISOString(),
    }));

  async function judge(user: string, code: string): Promise<UnlockGrant[]> {
    const nowMs = Date.now();
    const untilMs = attempts.lockedUntilMs(user, nowMs);
    if (untilMs !== undefined) {
      tell('support_unlock_failed', { user, locked: true });
      const minutes = Math.ceil((untilMs - nowMs) / 60_000);
      throw new KlpError('RateLimit' satisfies LocalErrorKind, `too many wrong codes: try again in ${minutes} min`);
    }
    attempts.begin(user, nowMs);
    const opened = await matching(codes(), code);
    if (opened.length === 0) {
      tell('support_unlock_failed', { user, locked: false });
      throw new KlpError('Unauthorized' satisfies LocalErrorKind, 'this code opens nothing');
    }
    attempts.forgive(user);
    const own = held.get(user) ?? new Map<string, Grant>();
    held.set(user, own);
    for (const found of opened) {
      const { scope, label } = found;
      own.set(scope, { scope, label: label ?? undefined, untilMs: clockMs() + supportMinutesOf(found) * 60_000 });
    }
    tell('support_unlock', { user, scopes: opened.map(({ scope }) => scope) });
    return grants(user);
  }

  return {
    grants,
    scopes: (user) => new Set(live(user).map(({ scope }) => scope)),
    unlock: (user, code) => inTurn(() => judge(user, code)),
    lock(user) {
      const released = live(user).length;
      held.delete(user);
      if (released > 0) tell('support_lock', { user, released });
      return released;
    },
  };
}

/** One at a time, in the order of their arrival, and not too many of them. */
function createTurn() {
  let waiting = 0;
  let last: Promise<unknown> = Promise.resolve();
  return async <T>(work: () => Promise<T>): Promise<T> => {
    if (waiting >= limits.supportWaitingMax)
      throw new KlpError('RateLimit' satisfies LocalErrorKind, 'codes are being judged: try again');
    waiting++;
    const turn = last.then(work);
    last = turn.catch(() => undefined).finally(() => waiting--);
    return turn;
  };
}

/** Every code that it is, found without a hint of which there are. */
async function matching(codes: readonly SupportCode[], code: string): Promise<SupportCode[]> {
  const usable = codes.filter(isSupportCodeUsable).slice(0, supportCodesMax);
  const found: SupportCode[] = [];
  if (code.length > limits.supportCodeCharsMax) return found;
  // An input method for Japanese writes letters and digits wide: who was told "A1" on the phone has typed "Ａ１".
  const forms = [...new Set([code, code.normalize('NFKC')])];
  for (const one of usable) {
    let isFound = false;
    for (const form of forms) if (await isCodeOf(form, one.hash)) isFound = true;
    if (isFound) found.push(one);
  }
  if (usable.length === 0) await isCodeOf(code, '');
  return found;
}

/** Support mode, for the caller's own user. */
export function supportHandlers(support: Support) {
  return {
    'support.unlock': async ({ code }, { session }) => ({ grants: await support.unlock(session.userKey, code) }),
    'support.lock': (_, { session }) => ({ released: support.lock(session.userKey) }),
    'support.status': (_, { session }) => ({ grants: support.grants(session.userKey) }),
  } satisfies Partial<LocalHandlers>;
}
