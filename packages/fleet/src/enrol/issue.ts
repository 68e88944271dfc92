/**
 * Enrols one machine: the order of the steps is what makes it safe to be killed between any two of them, and to be done by several at once.
 *
 *   1. the request is its own (both signatures), its token is open, its id is free or its own, its key is its own or new
 *   2. a use of the token is taken for this machine and key, as the token was read: nobody gets the same use at the same time
 *   3. the key becomes the machine's, for ever
 *   4. its groups
 *   5. the machine is enrolled: from here on its id is taken
 *   6. its credentials are signed, and the answer goes out
 *
 * Who asks again with the same key after a death at any step takes no second use, and goes on where it stood.
 */
import {
  type EnrolAnswer,
  type Enrolment,
  type EnrolRefusal,
  type EnrolRequest,
  enrolledTag,
  enrolRequestBytesMax,
  enrolSigned,
  readEnrolRequest,
  readSignedEnrol,
  type StoredEnrolToken,
} from '@kanade/shared/fleet';
import { joinGroups } from '../config/groups.ts';
import { changeStored, objectIn } from '../config/stored-value.ts';
import { given } from '../connection/access-file.ts';
import type { Fleet } from '../connection/connect-fleet.ts';
import { type Signing, signUser } from './authority.ts';
import { changeEnrolment, changeOwner, enrolmentOf, ownerOf } from './enrolments.ts';
import { isSignedBy } from './nkey-file.ts';
import { readToken, tokenIn, tokenPlace } from './tokens.ts';

/** What became of a request, for who watches the issuer. */
export interface Issued {
  readonly answer: EnrolAnswer;
  readonly request?: EnrolRequest;
  /** It was enrolled with this key before. */
  readonly again?: boolean;
}

class Refusal extends Error {
  readonly code: EnrolRefusal;

  constructor(code: EnrolRefusal, message: string) {
    super(message);
    this.code = code;
  }
}

/** Judges a request and carries it out. Rejects when the broker fails; then nothing is said and the machine asks again. */
export async function issue(fleet: Fleet, signing: Signing, body: Uint8Array): Promise<Issued> {
  let request: EnrolRequest | undefined;
  try {
    const signed = signedIn(body);
    request = signed.request;
    const token = await openToken(fleet, signed);
    const { again } = await checkMachine(fleet, request, token);
    if (!again) await enrol(fleet, request, token);
    const jwt = await signUser(request.public_key, { name: request.pc_id, ...signing, tags: [enrolledTag] });
    const { generation = 1 } = (await enrolmentOf(fleet, request.pc_id)) ?? {};
    const { nonce } = request;
    return {
      answer: { ok: true, nonce, jwt, groups: token.groups, generation, ...given('keyring', token.keyring) },
      ...{ request, again },
    };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const { code, message } = error;
    return { answer: { ok: false, ...given('nonce', request?.nonce), code, message }, ...given('request', request) };
  }
}

interface Signed {
  readonly request: EnrolRequest;
  readonly bytes: Uint8Array;
  readonly byToken: string;
}

/** The request, which the machine's own key has signed. */
function signedIn(body: Uint8Array): Signed {
  const invalid = (why: string): Refusal => new Refusal('enrol_request_invalid', `the request is refused: ${why}`);
  if (body.length > 2 * enrolRequestBytesMax) throw invalid(`it has more than ${2 * enrolRequestBytesMax} bytes`);
  const signed = readSignedEnrol(objectIn(body));
  if (!signed.ok) throw invalid('it is none of this version');
  const { asked, by_token, by_machine } = signed.value;
  const read = readEnrolRequest(objectIn(new TextEncoder().encode(asked)));
  if (!read.ok) throw invalid(`${read.faults[0]?.path} ${read.faults[0]?.message}`);
  const bytes = new TextEncoder().encode(enrolSigned + asked);
  if (!isSignedBy(read.value.public_key, bytes, by_machine)) throw invalid('the key that it names has not signed it');
  return { request: read.value, bytes, byToken: by_token };
}

/** Its token. Who has not signed with the token learns nothing of it. */
async function openToken(fleet: Fleet, { request, bytes, byToken }: Signed): Promise<StoredEnrolToken> {
  const token = await readToken(fleet, request.token);
  if (!token || !isSignedBy(token.public_key, bytes, byToken))
    throw new Refusal(
      'enrol_token_unknown',
      'nobody here knows this token: it was made for another fleet, or was removed',
    );
  if (token.revoked_at !== undefined)
    throw new Refusal('enrol_token_revoked', `the token was revoked at ${token.revoked_at}: ask for another one`);
  if (Date.parse(token.expires_at) <= Date.now())
    throw new Refusal('enrol_token_expired', `the token ended at ${token.expires_at}: ask for another one`);
  if (token.pcs && !token.pcs.includes(request.pc_id))
    throw new Refusal('enrol_id_refused', `the token is not for ${request.pc_id}`);
  return token;
}

async function checkMachine(
  fleet: Fleet,
  { pc_id: pc, public_key }: EnrolRequest,
  token: StoredEnrolToken,
): Promise<{ again: boolean }> {
  const [known, owner] = [await enrolmentOf(fleet, pc), await ownerOf(fleet, public_key)];
  if (owner?.ended_at !== undefined)
    throw new Refusal('enrol_key_taken', `the credentials of this key ended at ${owner.ended_at}: it needs a new key`);
  if (owner && owner.pc_id !== pc) throw new Refusal('enrol_key_taken', 'the key belongs to a machine of another id');
  const other = otherHolder(known, public_key);
  if (other) throw taken(other);
  if (known?.public_key === public_key) return { again: true };
  const hasUse = token.used.some(([id, key]) => id === pc && key === public_key);
  if (!hasUse && token.used.length >= token.uses_max) throw usedUp(token);
  return { again: false };
}

/** Another machine that has the id now. */
const otherHolder = (known: Enrolment | undefined, key: string): Enrolment | undefined =>
  known?.ended_at === undefined && known?.public_key !== key ? known : undefined;

const taken = ({ pc_id, enrolled_at }: Enrolment): Refusal =>
  new Refusal(
    'enrol_id_taken',
    `${pc_id} is enrolled, since ${enrolled_at}, with another key. Another machine: give it an id of its own (--id). The same, made anew: ` +
      `"kanade fleet forget ${pc_id} --keys DIR" ends the old credentials and takes its orders back; then ask again`,
  );

const usedUp = ({ uses_max }: StoredEnrolToken): Refusal =>
  new Refusal('enrol_token_used_up', `the token has let in ${uses_max}, as many as it may: ask for another one`);

async function enrol(fleet: Fleet, request: EnrolRequest, token: StoredEnrolToken): Promise<void> {
  const { pc_id, public_key } = request;
  await takeUse(fleet, request);
  const isOwn = await changeOwner(fleet, public_key, (before) =>
    before
      ? { value: undefined, told: before.pc_id === pc_id && before.ended_at === undefined }
      : { value: { pc_id }, told: true },
  );
  if (!isOwn) throw new Refusal('enrol_key_taken', 'the key belongs to a machine of another id');
  if (token.groups.length > 0) await joinGroups(fleet, pc_id, token.groups);
  const other = await changeEnrolment(fleet, pc_id, (before) => {
    const holder = otherHolder(before, public_key);
    if (holder) return { value: undefined, told: holder };
    const generation = (before?.generation ?? 0) + 1;
    const enrolled_at = new Date().toISOString();
    return { value: { pc_id, public_key, generation, enrolled_at, token: token.id }, told: undefined };
  });
  if (!other) return;
  await giveBack(fleet, request);
  throw taken(other);
}

function takeUse(fleet: Fleet, { token: id, pc_id, public_key }: EnrolRequest): Promise<void> {
  return changeStored(fleet, tokenPlace(id), {
    change(before) {
      const token = tokenIn(before);
      if (!token || token.revoked_at !== undefined)
        throw new Refusal('enrol_token_revoked', 'the token was revoked just now: ask for another one');
      if (token.used.some(([pc, key]) => pc === pc_id && key === public_key))
        return { value: undefined, told: undefined };
      if (token.used.length >= token.uses_max) throw usedUp(token);
      return { value: JSON.stringify({ ...token, used: [...token.used, [pc_id, public_key]] }), told: undefined };
    },
  });
}

/** Another machine got the id between two steps: the use is free again. */
function giveBack(fleet: Fleet, { token: id, pc_id, public_key }: EnrolRequest): Promise<void> {
  return changeStored(fleet, tokenPlace(id), {
    change(before) {
      const token = tokenIn(before);
      const used = token?.used.filter(([pc, key]) => pc !== pc_id || key !== public_key);
      return { value: token && JSON.stringify({ ...token, used }), told: undefined };
    },
  });
}
