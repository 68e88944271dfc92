import { type FileHandle, link, open, rename, rm } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { Failure } from '../../../answer/answer.ts';
import { defineCommand, oneWord } from '../../../call/command.ts';
import { withFleet } from '../connect.ts';

export const collectGet = defineCommand({
  name: 'collect get',
  summary: 'fetch an archive of collected files into a file of yours (mode 0600), checked against its SHA-256',
  usage: 'KEY',
  options: {
    output: { kind: 'text', value: 'FILE', help: 'where to (default: the last part of the key, here); -o for short' },
    force: { kind: 'flag', help: 'put it in the place of a file that is there' },
  },
  examples: ['kanade fleet collect get pc-1/logs/2026-11-27T09-15-00.123Z-1a2b3c4d.zip -o logs.zip'],
  async run({ output, force = false }, words, context) {
    const key = oneWord(words, 'KEY');
    return withFleet(context, async ({ fleet, openBundle }) => {
      const { bundle, bytes } = await openBundle(fleet, key, { signal: context.io.signal });
      const to = resolve(context.cwd, output ?? basename(key));
      await writeWhole(to, bytes, force);
      return { type: 'fleet.collect.get', key, file: to, size_bytes: bundle.size, sha256: bundle.sha256 };
    });
  },
});

/** The file is there whole or not at all; while it comes it has another name beside that. */
async function writeWhole(to: string, bytes: AsyncIterable<Uint8Array>, isForced: boolean): Promise<void> {
  const coming = `${to}.${process.pid}.part`;
  const file = await open(coming, 'wx', 0o600).catch(unwritable(coming));
  try {
    await fill(file, bytes, to);
    if (isForced) await rename(coming, to).catch(unwritable(to));
    else await link(coming, to).catch((error: NodeJS.ErrnoException) => unlinkable(to, error));
  } finally {
    await rm(coming, { force: true });
  }
}

async function fill(file: FileHandle, bytes: AsyncIterable<Uint8Array>, to: string): Promise<void> {
  try {
    for await (const part of bytes) await file.appendFile(part).catch(unwritable(to));
    await file.sync().catch(unwritable(to));
  } finally {
    await file.close();
  }
}

function unlinkable(to: string, error: NodeJS.ErrnoException): never {
  if (error.code !== 'EEXIST') return unwritable(to)(error);
  throw new Failure('file_exists', `${to} exists: name another file with -o, or say --force`, {
    details: { file: to },
  });
}

const unwritable =
  (file: string) =>
  (cause: Error): never => {
    throw new Failure('file_unwritable', `${file} cannot be written: ${cause.message}`, { details: { file }, cause });
  };
