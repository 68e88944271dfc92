/** Bytes as they come, in pieces of `chunkBytes`, the last one shorter. A piece is its own memory or a view of what came. */
export async function* cutChunks(
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  chunkBytes: number,
): AsyncGenerator<Uint8Array, void> {
  let parts: Uint8Array[] = [];
  let held = 0;
  for await (const piece of source) {
    for (let at = 0; at < piece.byteLength; ) {
      const part = piece.subarray(at, at + chunkBytes - held);
      parts.push(part);
      at += part.byteLength;
      held += part.byteLength;
      if (held < chunkBytes) continue;
      yield joined(parts);
      [parts, held] = [[], 0];
    }
  }
  if (held > 0) yield joined(parts);
}

const joined = (parts: readonly Uint8Array[]): Uint8Array =>
  parts.length === 1 && parts[0] ? parts[0] : Buffer.concat(parts);
