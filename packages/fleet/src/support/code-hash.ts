/**
 * Hashes of support codes: argon2id, as a PHC string. The work is done by threads of the runtime, never on the event loop; what a stored
 * hash may ask for is bounded, because whoever writes it decides what reading it costs.
 */
import { argon2, randomBytes, timingSafeEqual } from 'node:crypto';

/** What a new hash costs: 19 MiB and two passes, a quarter of a second on a slow core. */
const cost = { memoryKib: 19_456, passes: 2, lanes: 1 } as const;
/** The most that a stored one may cost. */
const costMax = { memoryKib: 131_072, passes: 8, lanes: 8 } as const;
const [saltBytes, tagBytes] = [16, 32];

interface Phc {
  readonly memoryKib: number;
  readonly passes: number;
  readonly lanes: number;
  readonly salt: Buffer;
  readonly tag: Buffer;
}

/** The hash of a code, with a salt of its own. */
export async function hashCode(code: string): Promise<string> {
  const salt = randomBytes(saltBytes);
  const tag = await derive(code, { ...cost, salt, tag: Buffer.alloc(tagBytes) });
  const { memoryKib, passes, lanes } = cost;
  return `$argon2id$v=19$m=${memoryKib},t=${passes},p=${lanes}$${unpadded(salt)}$${unpadded(tag)}`;
}

/** Whether a code has this hash. False for a hash that is none, or costs too much. Takes its time in any case. */
export async function isCodeOf(code: string, hash: string): Promise<boolean> {
  const phc = parsePhc(hash);
  const tag = await derive(code, phc ?? { ...cost, salt: Buffer.alloc(saltBytes), tag: Buffer.alloc(tagBytes) });
  return phc !== undefined && timingSafeEqual(tag, phc.tag);
}

const form = /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,3}),p=(\d{1,2})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{22,86})$/;

function parsePhc(text: string): Phc | undefined {
  const [, m, t, p, salt = '', tag = ''] = form.exec(text) ?? [];
  const phc = {
    memoryKib: Number(m),
    passes: Number(t),
    lanes: Number(p),
    salt: Buffer.from(salt, 'base64'),
    tag: Buffer.from(tag, 'base64'),
  };
  const isWithin =
    phc.lanes >= 1 &&
    phc.lanes <= costMax.lanes &&
    phc.passes >= 1 &&
    phc.passes <= costMax.passes &&
    phc.memoryKib >= 8 * phc.lanes &&
    phc.memoryKib <= costMax.memoryKib;
  return isWithin ? phc : undefined;
}

function derive(code: string, { memoryKib, passes, lanes, salt, tag }: Phc): Promise<Buffer> {
  const asked = { message: code, nonce: salt, parallelism: lanes, tagLength: tag.length, memory: memoryKib, passes };
  return new Promise((resolve, reject) => {
    argon2('argon2id', asked, (error, derived) => (error ? reject(error) : resolve(derived)));
  });
}

const unpadded = (bytes: Buffer): string => bytes.toString('base64').replaceAll('=', '');
