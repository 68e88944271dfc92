/**
 * Writes a zip archive to an open file as its parts come: deflate of the system's zlib, off the event loop. Sizes are bounded by
 * whoever calls: below 4 GiB and 65,535 files the plain format does, which everybody reads.
 */
import type { FileHandle } from 'node:fs/promises';
import { crc32, createDeflateRaw } from 'node:zlib';

/** One file of an archive. */
export interface ZipEntry {
  /** Relative, with `/` between its parts. */
  readonly name: string;
  readonly modifiedAt: Date;
  /** The next bytes into the buffer, and how many: 0 = no more. At most what the buffer holds. */
  readonly read: (into: Uint8Array) => Promise<number>;
}

/** An archive that is being written. */
export interface ZipWriter {
  add(entry: ZipEntry): Promise<void>;
  /** Writes the list of what is in it. */
  end(): Promise<void>;
}

const pieceBytes = 64 * 1024;
/** The fastest: what is collected is mostly text, and soon on its way. */
const level = 1;

export function createZip(file: FileHandle, signal: AbortSignal): ZipWriter {
  const listed: Buffer[] = [];
  const piece = Buffer.allocUnsafe(pieceBytes);
  let at = 0;
  const write = async (bytes: Uint8Array, position: number): Promise<void> => {
    for (let done = 0; done < bytes.length; )
      done += (await file.write(bytes, done, bytes.length - done, position + done)).bytesWritten;
  };
  return {
    async add(entry) {
      const name = Buffer.from(entry.name);
      const from = at;
      const dataAt = from + localBytes + name.length;
      let end = dataAt;
      const packed = await pack(entry, piece, {
        signal,
        write: async (bytes) => {
          await write(bytes, end);
          end += bytes.length;
        },
      });
      const facts = { ...packed, packedBytes: end - dataAt, ...dosTime(entry.modifiedAt) };
      await write(Buffer.concat([localHeader(facts, name), name]), from);
      listed.push(listHeader(facts, name, from), name);
      at = end;
    },
    async end() {
      const list = Buffer.concat(listed);
      await write(Buffer.concat([list, endRecord(listed.length / 2, list.length, at)]), at);
      // Of a file that could not be read to its end something may stand behind it.
      await file.truncate(at + list.length + endBytes);
    },
  };
}

/** Sends a file through the compressor, piece by piece: the buffer is filled again when what it held is taken. */
async function pack(
  { read }: ZipEntry,
  piece: Buffer,
  { signal, write }: { signal: AbortSignal; write: (bytes: Uint8Array) => Promise<void> },
): Promise<{ crc: number; bytes: number }> {
  const deflate = createDeflateRaw({ level, chunkSize: pieceBytes });
  const written = (async () => {
    for await (const bytes of deflate) await write(bytes as Uint8Array);
  })();
  written.catch((error: Error) => deflate.destroy(error)); // awaited below
  let [crc, bytes] = [0, 0];
  try {
    for (let count = await read(piece); count > 0; count = await read(piece)) {
      signal.throwIfAborted();
      const part = piece.subarray(0, count);
      crc = crc32(part, crc);
      bytes += count;
      await new Promise<void>((resolve, reject) => {
        deflate.write(part, (error) => (error ? reject(error) : resolve()));
      });
    }
    deflate.end();
    await written;
    return { crc, bytes };
  } finally {
    deflate.destroy();
  }
}

interface Facts {
  readonly crc: number;
  readonly bytes: number;
  readonly packedBytes: number;
  readonly date: number;
  readonly time: number;
}

const [localBytes, endBytes] = [30, 22];
/** Names are UTF-8. */
const nameFlag = 0x0800;
const [versionNeeded, deflated] = [20, 8];

function localHeader({ crc, bytes, packedBytes, date, time }: Facts, name: Buffer): Buffer {
  const header = Buffer.alloc(localBytes);
  header.writeUInt32LE(0x04034b50, 0);
  header.writeUInt16LE(versionNeeded, 4);
  header.writeUInt16LE(nameFlag, 6);
  header.writeUInt16LE(deflated, 8);
  header.writeUInt16LE(time, 10);
  header.writeUInt16LE(date, 12);
  header.writeUInt32LE(crc, 14);
  header.writeUInt32LE(packedBytes, 18);
  header.writeUInt32LE(bytes, 22);
  header.writeUInt16LE(name.length, 26);
  return header;
}

/** The entry in the list; a plain file that its owner may read and write. */
function listHeader({ crc, bytes, packedBytes, date, time }: Facts, name: Buffer, localAt: number): Buffer {
  const header = Buffer.alloc(46);
  header.writeUInt32LE(0x02014b50, 0);
  header.writeUInt16LE((3 << 8) | versionNeeded, 4); // made on Unix: the mode below counts
  header.writeUInt16LE(versionNeeded, 6);
  header.writeUInt16LE(nameFlag, 8);
  header.writeUInt16LE(deflated, 10);
  header.writeUInt16LE(time, 12);
  header.writeUInt16LE(date, 14);
  header.writeUInt32LE(crc, 16);
  header.writeUInt32LE(packedBytes, 20);
  header.writeUInt32LE(bytes, 24);
  header.writeUInt16LE(name.length, 28);
  header.writeUInt32LE((0o100600 << 16) >>> 0, 38);
  header.writeUInt32LE(localAt, 42);
  return header;
}

function endRecord(count: number, listBytes: number, listAt: number): Buffer {
  const record = Buffer.alloc(endBytes);
  record.writeUInt32LE(0x06054b50, 0);
  record.writeUInt16LE(count, 8);
  record.writeUInt16LE(count, 10);
  record.writeUInt32LE(listBytes, 12);
  record.writeUInt32LE(listAt, 16);
  return record;
}

/** In UTC, to two seconds, within the years that the format has. */
function dosTime(at: Date): Pick<Facts, 'date' | 'time'> {
  const year = Math.min(Math.max(at.getUTCFullYear(), 1980), 2107);
  return {
    date: ((year - 1980) << 9) | ((at.getUTCMonth() + 1) << 5) | at.getUTCDate(),
    time: (at.getUTCHours() << 11) | (at.getUTCMinutes() << 5) | (at.getUTCSeconds() >> 1),
  };
}
