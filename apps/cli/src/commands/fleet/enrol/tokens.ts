import { closeSync, existsSync, fchmodSync, openSync, readFileSync, writeSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseHumantime } from '@kanade/shared/fleet-words';
import { Failure } from '../../../answer/answer.ts';
import { type Context, defineCommand, noWords, oneWord, UsageError } from '../../../call/command.ts';
import { readAccess, withFleet } from '../connect.ts';
import { knownRingPath, ringPath } from '../key/places.ts';
import { operator } from '../operator.ts';
import { authorityOption, keysOf } from './places.ts';

/** How long a token is good when nobody says, and at most, in ms. */
const [ttlMsDefault, ttlMsMax] = [24 * 3_600_000, 90 * 24 * 3_600_000] as const;

export const tokenCreate = defineCommand({
  name: 'enrol-token create',
  summary: 'make a token with which machines ask for credentials of their own',
  usage: '',
  options: {
    ...authorityOption,
    uses: { kind: 'count', value: 'N', help: 'how many machines it lets in, 1 to 10000 (default: 1)' },
    ttl: { kind: 'text', value: 'DURATION', help: 'how long, such as 4h; at most 90d (default: 24h)' },
    group: { kind: 'texts', value: 'GROUP', help: 'a group that the machines join; may be given several times' },
    pc: { kind: 'texts', value: 'PC', help: 'only this machine may use it; may be given several times (default: any)' },
    label: { kind: 'text', value: 'TEXT', help: 'what it is for, for people' },
    broker: {
      kind: 'texts',
      value: 'URL',
      help: 'where machines reach the broker; may be given several times (default: as this call does)',
    },
    ca: { kind: 'text', value: 'FILE', help: 'whom machines trust for TLS (default: as this call does)' },
    ring: {
      kind: 'text',
      value: 'FILE',
      help: 'the key ring that machines get (default: command-keys.json in the configuration directory, where it is)',
    },
    'no-ring': { kind: 'flag', help: 'bring no key ring: orders are not verified' },
    out: { kind: 'text', value: 'FILE', help: 'write the token there (0600) and print all but it' },
  },
  notes: [
    'The token is a secret until it has ended or is used up: who has it may ask to be enrolled. On the machine: kanade agent enrol --token-file FILE.',
  ],
  examples: ['kanade fleet enrol-token create --keys ./keys --group web --uses 500 --ttl 4h --out token.txt'],
  async run(options, words, context) {
    noWords(words);
    const ttlMs = options.ttl === undefined ? ttlMsDefault : parseHumantime(options.ttl);
    if (ttlMs === undefined || ttlMs < 60_000 || ttlMs > ttlMsMax)
      throw new UsageError(`option --ttl must be a duration from 1m to 90d: ${options.ttl}`);
    const uses = options.uses ?? 1;
    if (uses < 1 || uses > 10_000) throw new UsageError(`option --uses must be between 1 and 10000: ${uses}`);
    if (options.broker.some((server) => server.includes('@')))
      throw new UsageError('option --broker must hold no user or token: a token brings credentials of its own');
    const dir = keysOf(options, context);
    const keyring = options['no-ring'] ? undefined : ringText(options.ring, context);
    const { createEnrolToken, readSigning } = await import('./library.ts');
    const { access } = await readAccess(context);
    const signing = readSigning(dir, 'newcomer');
    const { tls } = access.toOptions();
    const known = typeof tls === 'object' && tls !== null ? tls : {};
    const ca =
      options.ca === undefined ? known.ca : readText(resolve(context.cwd, options.ca), 'the file of authorities');
    const out = options.out === undefined ? undefined : openNew(resolve(context.cwd, options.out));
    return withFleet(context, async ({ fleet, audit }) => {
      const { text, token } = await createEnrolToken(fleet, {
        ...{ signing, uses, ttlMs, keyring, ca, label: options.label },
        ...{ groups: options.group, pcs: options.pc },
        servers: options.broker.length > 0 ? options.broker : access.servers,
        tlsFirst: known.handshakeFirst || undefined,
        createdBy: operator().user,
        signal: context.io.signal,
      });
      if (out !== undefined) {
        writeSync(out, `${text}\n`);
        closeSync(out);
      }
      const { id, ...details } = token;
      const noted = await audit({ action: 'enrol-token.create', about: id, details });
      const shown = options.out === undefined ? { token: text } : { token_file: resolve(context.cwd, options.out) };
      return { type: 'fleet.enrol_token.create', ...token, ...shown, ...noted };
    });
  },
});

function ringText(given: string | undefined, context: Context): string | undefined {
  if (given !== undefined) return readText(ringPath(context, given), 'the key ring');
  const path = knownRingPath(context);
  return path !== undefined && existsSync(path) ? readText(path, 'the key ring') : undefined;
}

function readText(path: string, what: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new Failure('file_unreadable', `${what} cannot be read: ${path}: ${(error as Error).message}`);
  }
}

/** Opened before anything is made: a token that nobody can write down would be lost. */
function openNew(path: string): number {
  try {
    const file = openSync(path, 'wx', 0o600);
    fchmodSync(file, 0o600);
    return file;
  } catch (error) {
    throw new Failure('file_unwritable', `the token cannot be written to ${path}: ${(error as Error).message}`);
  }
}

export const tokenList = defineCommand({
  name: 'enrol-token list',
  summary: 'show which tokens there are and what is left of them; the tokens themselves stand nowhere',
  usage: '',
  options: {},
  examples: ['kanade fleet enrol-token list'],
  async run(_options, words, context) {
    noWords(words);
    const { listEnrolTokens } = await import('./library.ts');
    return withFleet(context, async ({ fleet }) => ({
      type: 'fleet.enrol_token.list',
      tokens: await listEnrolTokens(fleet, context.io.signal),
    }));
  },
});

export const tokenRevoke = defineCommand({
  name: 'enrol-token revoke',
  summary: 'let nobody in with a token any more; machines that were let in stay',
  usage: 'TOKEN_ID',
  options: {},
  examples: ['kanade fleet enrol-token revoke t-3f2a9c1d04'],
  async run(_options, words, context) {
    const id = oneWord(words, 'TOKEN_ID');
    const { revokeEnrolToken } = await import('./library.ts');
    return withFleet(context, async ({ fleet, audit }) => {
      const revoked = await revokeEnrolToken(fleet, id, context.io.signal);
      const noted = revoked ? await audit({ action: 'enrol-token.revoke', about: id, details: {} }) : {};
      return { type: 'fleet.enrol_token.revoke', id, revoked, ...noted };
    });
  },
});
