/** A file for what a run printed: new, for its owner alone, and gone again unless all of it is there. */
import { open, rm } from 'node:fs/promises';
import { Failure } from '../../../answer/answer.ts';

export interface OutputFile extends AsyncDisposable {
  append(bytes: Uint8Array): Promise<void>;
  /** It is whole: the bytes in it. */
  keep(): Promise<number>;
}

/** Throws {@link Failure} `file_exists`, `file_unwritable`. */
export async function openOutputFile(path: string): Promise<OutputFile> {
  const unwritable = (cause: Error): never => {
    throw new Failure('file_unwritable', `${path} cannot be written: ${cause.message}`, { cause });
  };
  const file = await open(path, 'wx', 0o600).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EEXIST') throw new Failure('file_exists', `${path} exists: name a new file`);
    return unwritable(error);
  });
  let bytes = 0;
  let isKept = false;
  return {
    async append(part) {
      await file.appendFile(part).catch(unwritable);
      bytes += part.byteLength;
    },
    async keep() {
      await file.sync().catch(unwritable);
      isKept = true;
      return bytes;
    },
    async [Symbol.asyncDispose]() {
      await file.close();
      if (!isKept) await rm(path, { force: true });
    },
  };
}
