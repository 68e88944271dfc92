/*
 * Enrolment: a machine asks once, with a token, for credentials of its own, and makes the key they are for itself.
 *
 *   token     `kanade-enrol-1.<payload>.<check>`: base64url of EnrolToken as JSON, and of the first 6 bytes of the SHA-256 of that text
 *   request   on `enrol.request`, as the user that stands in the token: SignedEnrol. Both keys sign the bytes of `asked`, behind
 *             `enrolSigned`: that of the token says that it is held, that of the machine that the request is its own
 *   answer    EnrolAnswer
 */
import * as z from 'zod';
import { Id } from '../scalar/id.ts';
import { type Read, readAs } from '../scalar/strict.ts';
import { Instant } from '../scalar/time.ts';

/** What a token begins with; another form of it has another number. */
export const enrolTokenHead = 'kanade-enrol-1';
/** Characters of a token, and bytes of a request. */
export const enrolTokenCharsMax = 128 * 1024;
export const enrolRequestBytesMax = 4_096;
/** Machines that one token lets in, at most, and bytes of the key ring that it brings. */
export const enrolUsesMax = 10_000;
export const enrolKeyringBytesMax = 64 * 1024;
/** Stands before the bytes that are signed: what is signed for something else is no request. */
export const enrolSigned = 'kanade enrolment 1\n';
/** The public half of an NKey of a user. */
const UserKey = z.string().regex(/^U[A-Z2-7]{55}$/, { error: 'must be the public NKey of a user' });

/** What stands in a token. Whoever holds it may ask to be enrolled, until it ends. */
const EnrolToken = z.strictObject({
  /** Under which it is kept in `enrol_tokens`. */
  id: Id,
  /** Where the broker is: `nats://host:port`, `tls://host:port`. */
  servers: z.array(z.string().max(300)).min(1).max(32),
  /** PEM of the authorities that sign the broker's certificate; absent: those of the system. */
  ca: z.string().max(enrolTokenCharsMax).optional(),
  /** TLS from the first byte on. */
  tls_first: z.boolean().optional(),
  /** A user of the broker that may say `enrol.request` and hear its own answers; until the token ends. */
  jwt: z.string().max(8_192),
  /** The seed of that user: the secret of the token. */
  seed: z.string().max(100),
  /** SHA-256 of the key ring that is delivered, in hex; absent: none is. */
  keyring_sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .optional(),
  expires_at: Instant,
});
export type EnrolToken = z.infer<typeof EnrolToken>;

/** A token as it is kept in `enrol_tokens`. Nothing in it lets anybody in. */
const StoredEnrolToken = z.looseObject({
  id: Id,
  /** The user that stands in the token. */
  public_key: UserKey,
  created_at: Instant,
  created_by: z.string(),
  expires_at: Instant,
  uses_max: z.int().min(1).max(enrolUsesMax),
  /** Groups that a machine joins. */
  groups: z.array(Id),
  /** Machines that may use it; absent: any. */
  pcs: z.array(Id).optional(),
  label: z.string().optional(),
  keyring: z.string().max(enrolKeyringBytesMax).optional(),
  /** Who has used it: machine and key. One that asks again with its key uses nothing. */
  used: z.array(z.tuple([Id, UserKey])),
  revoked_at: Instant.optional(),
});
export type StoredEnrolToken = z.infer<typeof StoredEnrolToken>;

/** A machine that was enrolled, in `enrolments` under its id. */
const Enrolment = z.looseObject({
  pc_id: Id,
  public_key: UserKey,
  /** The how-manieth machine of that id, from 1. */
  generation: z.int().min(1),
  enrolled_at: Instant,
  token: Id,
  /** Its credentials ended then; the id is free. */
  ended_at: Instant.optional(),
});
export type Enrolment = z.infer<typeof Enrolment>;

/** Whose a key is, in `enrolments` under {@link enrolledKey}: a key belongs to one machine, and one that ended never comes back. */
const EnrolledKey = z.looseObject({ pc_id: Id, ended_at: Instant.optional() });
export type EnrolledKey = z.infer<typeof EnrolledKey>;

/** Ids of machines have no dot here, so this is none. */
export const enrolledKey = (publicKey: string): string => `key.${publicKey}`;

/** What a machine asks for. */
const EnrolRequest = z.looseObject({
  token: Id,
  /** Without dots: a broker cannot tell those from others. */
  pc_id: Id.refine((id) => !id.includes('.'), { error: 'must have no dot' }),
  public_key: UserKey,
  /** Comes back in the answer. */
  nonce: z.string().min(16).max(64),
});
export type EnrolRequest = z.infer<typeof EnrolRequest>;

const signature = z.string().max(100);

const SignedEnrol = z.looseObject({
  /** EnrolRequest as JSON: these bytes are signed. */
  asked: z.string().max(enrolRequestBytesMax),
  /** Base64 of the signatures of the token's key and of the machine's. */
  by_token: signature,
  by_machine: signature,
});
export type SignedEnrol = z.infer<typeof SignedEnrol>;

/** Why a machine is not enrolled. */
const enrolRefusals = [
  'enrol_request_invalid',
  'enrol_token_unknown',
  'enrol_token_expired',
  'enrol_token_revoked',
  'enrol_token_used_up',
  'enrol_id_refused',
  'enrol_id_taken',
  'enrol_key_taken',
  'enrol_failed',
] as const;

export type EnrolRefusal = (typeof enrolRefusals)[number];

const EnrolAnswer = z.discriminatedUnion('ok', [
  z.looseObject({
    ok: z.literal(true),
    nonce: z.string(),
    /** The credentials of the machine's key. */
    jwt: z.string().max(8_192),
    groups: z.array(Id),
    generation: z.int().min(1),
    keyring: z.string().max(enrolKeyringBytesMax).optional(),
  }),
  z.looseObject({
    ok: z.literal(false),
    nonce: z.string().optional(),
    code: z.enum(enrolRefusals),
    message: z.string(),
  }),
]);
export type EnrolAnswer = z.infer<typeof EnrolAnswer>;

/** What stands in a token, in `enrol_tokens`, in `enrolments` under a machine or a key, in a request and in its answer. None of them ever throws. */
export const readEnrolToken = (value: unknown): Read<EnrolToken> => readAs(EnrolToken, value);
export const readStoredEnrolToken = (value: unknown): Read<StoredEnrolToken> => readAs(StoredEnrolToken, value);
export const readEnrolment = (value: unknown): Read<Enrolment> => readAs(Enrolment, value);
export const readEnrolledKey = (value: unknown): Read<EnrolledKey> => readAs(EnrolledKey, value);
export const readEnrolAnswer = (value: unknown): Read<EnrolAnswer> => readAs(EnrolAnswer, value);
export const readSignedEnrol = (value: unknown): Read<SignedEnrol> => readAs(SignedEnrol, value);
export const readEnrolRequest = (value: unknown): Read<EnrolRequest> => readAs(EnrolRequest, value);
