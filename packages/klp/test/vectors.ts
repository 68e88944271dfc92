import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Bytes in hex, or a few of them many times. */
type HexChunk = string | { hex: string; times: number };

interface VectorHead {
  name: string;
  why: string;
  chunks: HexChunk[];
}

/** What a decoder makes of bytes. */
export interface DecodeVector extends VectorHead {
  events: Record<string, unknown>[];
}

/** What a server answers to bytes. */
export interface ServerVector extends VectorHead {
  answers: Record<string, unknown>[];
  then: 'open' | 'closed';
}

interface VectorFile {
  format: 'klp-vectors/1';
  about: string;
  vectors: (DecodeVector | ServerVector)[];
}

const directory = join(import.meta.dirname, 'vectors');

/** Every vector with the name of its file. */
export function readVectors(): { topic: string; vector: DecodeVector | ServerVector }[] {
  return readdirSync(directory).flatMap((file) => {
    const { vectors } = JSON.parse(readFileSync(join(directory, file), 'utf8')) as VectorFile;
    return vectors.map((vector) => ({ topic: file.replace('.json', ''), vector }));
  });
}

export function bytesOf(chunk: HexChunk): Buffer {
  if (typeof chunk === 'string') return Buffer.from(chunk, 'hex');
  const unit = Buffer.from(chunk.hex, 'hex');
  return Buffer.alloc(unit.length * chunk.times, unit);
}
