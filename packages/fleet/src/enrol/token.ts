/** The text of a token: one line that a person copies. */
import { createHash } from 'node:crypto';
import { type EnrolToken, enrolTokenCharsMax, enrolTokenHead, readEnrolToken } from '@kanade/shared/fleet';
import { FleetError } from '../fault/fleet-error.ts';
import { claimsOf } from './claims.ts';
import { nkeyOf } from './nkey-file.ts';

const checkOf = (payload: string): string =>
  createHash('sha256').update(payload).digest().subarray(0, 6).toString('base64url');

export function tokenText(token: EnrolToken): string {
  const payload = Buffer.from(JSON.stringify(token)).toString('base64url');
  return `${enrolTokenHead}.${payload}.${checkOf(payload)}`;
}

/** Reads a token. Throws FleetError `enrol_token_invalid`, which repeats nothing of it, and `enrol_token_expired`. */
export function parseToken(text: string, nowMs: number): EnrolToken {
  const [head, payload = '', check, ...more] = text.trim().split('.');
  if (text.length > enrolTokenCharsMax) throw invalid(`it has more than ${enrolTokenCharsMax} characters`);
  if (head !== enrolTokenHead) {
    const isOther = /^kanade-enrol-\d+$/.test(head ?? '');
    throw invalid(isOther ? `this version reads ${enrolTokenHead} alone` : `it does not begin with ${enrolTokenHead}`);
  }
  if (check === undefined || more.length > 0 || checkOf(payload) !== check)
    throw invalid('a part of it is missing, or was changed on the way: copy it anew, whole and on one line');
  const read = readEnrolToken(jsonIn(payload));
  if (!read.ok) throw invalid(`${read.faults[0]?.path ?? ''} cannot be used`.trim());
  const token = read.value;
  // Text that reaches a file or an address: nothing in it may mean something else there.
  if (!token.servers.every((server) => /^(nats|tls):\/\/[A-Za-z0-9._:[\]-]+$/.test(server)))
    throw invalid('servers cannot be used');
  if (token.ca !== undefined && !/^-----BEGIN CERTIFICATE-----/.test(token.ca.trim())) throw invalid('ca is no PEM');
  const user = keyIn(token.seed).getPublicKey();
  if (claimsOf(token.jwt).sub !== user) throw invalid('its credentials belong to another key');
  if (Date.parse(token.expires_at) <= nowMs)
    throw new FleetError(
      'enrol_token_expired',
      `the token ended at ${token.expires_at}: ask for another one, or look at the clock of this machine`,
    );
  return token;
}

function keyIn(seed: string): ReturnType<typeof nkeyOf> {
  try {
    return nkeyOf(seed, 'the token', 'U');
  } catch {
    throw invalid('seed cannot be used');
  }
}

function jsonIn(payload: string): unknown {
  try {
    return JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'));
  } catch {
    throw invalid('it holds no JSON');
  }
}

const invalid = (why: string): FleetError => new FleetError('enrol_token_invalid', `the token cannot be used: ${why}`);
