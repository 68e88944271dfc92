import { crc32, inflateRawSync } from 'node:zlib';

/** What is in a zip archive, by its list, as any reader sees it. Throws for bytes that are not those of the list. */
export function unzip(archive: Buffer): Map<string, Buffer> {
  const end = archive.length - 22;
  if (archive.readUInt32LE(end) !== 0x06054b50) throw new Error('no end of a zip archive');
  const files = new Map<string, Buffer>();
  let at = archive.readUInt32LE(end + 16);
  for (let count = archive.readUInt16LE(end + 10); count > 0; count--) {
    const [crc, packed, size] = [16, 20, 24].map((offset) => archive.readUInt32LE(at + offset)) as [
      number,
      number,
      number,
    ];
    const nameBytes = archive.readUInt16LE(at + 28);
    const name = archive.toString('utf8', at + 46, at + 46 + nameBytes);
    const local = archive.readUInt32LE(at + 42);
    if (archive.toString('utf8', local + 30, local + 30 + nameBytes) !== name) throw new Error(`${name}: two names`);
    const data = inflateRawSync(archive.subarray(local + 30 + nameBytes, local + 30 + nameBytes + packed));
    if (data.length !== size || crc32(data) !== crc) throw new Error(`${name}: other bytes`);
    files.set(name, data);
    at += 46 + nameBytes;
  }
  return files;
}
