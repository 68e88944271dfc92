import type { Random } from './random.ts';

const methods = [
  'system.handshake',
  'system.ping',
  'echo',
  'repeat',
  'fail',
  'wait',
  'rpc.cancel',
  '__proto__',
  'toString',
  'no.such',
  '',
];

/** Bodies that a server of the vectors may meet: right, nearly right, hostile. */
function body(random: Random): Buffer {
  const id = random.pick(['"1"', '"2"', '"h"', '7', 'null', '{}', '""', '"\\u0000"']);
  const method = JSON.stringify(random.pick(methods));
  switch (random.below(12)) {
    case 0:
      return bytes(random, random.below(64));
    case 1:
      return Buffer.from(`{"jsonrpc":"2.0","id":"h","method":"system.handshake","params":{"client":"f"}}`);
    case 2:
      return Buffer.from(`{"jsonrpc":"2.0","id":${id},"id":"9","method":${method},"method":"echo"}`);
    case 3:
      return Buffer.from(`{"__proto__":{"method":"echo"},"jsonrpc":"2.0","id":${id},"method":${method}}`);
    case 4:
      return Buffer.from(
        random.pick(['[', '{"a":', '"', '1', '']).repeat(random.below(random.pick([10, 10, 10, 3_000]))),
      );
    case 5:
      return Buffer.from(`{"jsonrpc":"2.0","method":"rpc.cancel","params":{"id":${id}}}`);
    case 6:
      return Buffer.from(
        `{"jsonrpc":"2.0","id":${id},"result":${random.pick(['1', 'null', '{}'])},"error":${random.pick(['null', '{}', '"x"', '{"code":-32001,"data":{"kind":"constructor"}}'])}}`,
      );
    case 7:
      return Buffer.from(
        `{"jsonrpc":"2.0","id":${id},"method":"echo","params":{"text":${random.pick(['"é日😀"', '5', 'null', '"\\ud83d"', '"\uFFFD"'])}}}`,
      );
    default:
      return Buffer.from(
        `{"jsonrpc":${random.pick(['"2.0"', '"2.0"', '"1.0"', '2'])},"id":${id},"method":${method},"params":${random.pick(['{}', 'null', '[]', '{"text":"a","times":3}', '{"__proto__":1}', '5'])}}`,
      );
  }
}

function bytes(random: Random, count: number): Buffer {
  const made = Buffer.allocUnsafe(count);
  for (let at = 0; at < count; at += 1) made[at] = random.below(256);
  return made;
}

function frame(random: Random): Buffer {
  const content = body(random);
  const header = Buffer.alloc(4);
  // Mostly the truth; sometimes a little more or less, or something enormous.
  const lie = random.below(40);
  header.writeUInt32LE(
    lie === 0
      ? 2 ** 32 - 1
      : lie === 1
        ? 2 ** 31
        : lie === 2
          ? content.length + 1
          : lie === 3
            ? Math.max(0, content.length - 1)
            : content.length,
  );
  return Buffer.concat([header, content]);
}

/** The bytes of one stream: frames, some of them damaged or cut. */
export function streamBytes(random: Random): Buffer {
  if (random.below(20) === 0) return bytes(random, random.below(200));
  const stream = Buffer.concat(Array.from({ length: 1 + random.below(3) }, () => frame(random)));
  if (random.below(5) === 0 && stream.length > 0) {
    const at = random.below(stream.length);
    stream[at] = (stream[at] as number) ^ (1 << random.below(8));
  }
  return random.below(6) === 0 ? stream.subarray(0, random.below(stream.length + 1)) : stream;
}

/** Cuts a stream as a network may. */
export function chunksOf(random: Random, stream: Buffer): Buffer[] {
  const largest = random.pick([1, 3, 40, 100_000]);
  const chunks: Buffer[] = [];
  for (let at = 0; at < stream.length; ) {
    const size = 1 + random.below(largest);
    chunks.push(stream.subarray(at, at + size));
    at += size;
  }
  return chunks;
}
