import { readFile, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { FleetError } from '@kanade/fleet';
import type { Unserved } from '@kanade/shared/manifest';
import { Failure } from '../../answer/answer.ts';
import { defineCommand, UsageError } from '../../call/command.ts';
import { withFleet } from './connect.ts';

interface Source {
  readonly file: string;
  readonly text: string;
  /** Reads what `script_file` names, relative to the manifest. */
  readScriptFile(path: string): Promise<string>;
}

export const jobPut = defineCommand({
  name: 'job put',
  summary: 'put jobs into the catalogue; all files are checked before the first is put',
  usage: 'FILE...',
  options: {},
  examples: ['kanade fleet job put examples/jobs/disk-report.yaml', 'kanade fleet job put jobs/*.yaml'],
  async run(_options, words, context) {
    if (words.length === 0) throw new UsageError('FILE is missing: name at least one manifest');
    const { checkManifest, manifestBytesMax, putManifest } = await import('./library.ts');
    const { io } = context;
    const { signal } = io;
    const sources = await Promise.all(words.map((file) => readSource(file, manifestBytesMax)));
    for (const source of sources) {
      await named(source, () => checkManifest(source.text, { ...source, signal }));
    }
    return withFleet(context, async ({ fleet, audit }) => {
      const jobs: Record<string, unknown>[] = [];
      for (const source of sources) {
        const put = await named(source, () => putManifest(fleet, source.text, { ...source, signal }));
        const { jobId, version, created, unserved } = put;
        const noted = await audit({ action: 'job.put', about: jobId, details: { version, created } });
        const notes = unserved.map(noteOf);
        jobs.push({ file: source.file, id: jobId, version, created, ...(notes.length > 0 && { notes }), ...noted });
        io.stderr(`put ${put.jobId} ${put.version}\n${notes.map((note) => `note: ${note}\n`).join('')}`);
      }
      return { type: 'fleet.job.put', jobs };
    });
  },
});

const refusals = {
  everybody: 'so the job can neither be ordered nor started',
  nobody: '',
} as const;

/** What a manifest asks for in vain, and what comes of that. */
function noteOf({ path, reason, refusedTo }: Unserved): string {
  return [`${path}: ${reason}`, refusals[refusedTo]].filter(Boolean).join(', ');
}

async function readSource(file: string, bytesMax: number): Promise<Source> {
  const text = await readText(file, bytesMax).catch((error: unknown) => {
    const said = error instanceof Error ? error.message : String(error);
    throw new Failure('file_unreadable', `reading the manifest failed: ${said}`, { details: { file }, cause: error });
  });
  return { file, text, readScriptFile: (path) => readText(resolve(dirname(file), path), bytesMax) };
}

/** Manifests and scripts are small; something large is refused before it is read. */
async function readText(path: string, bytesMax: number): Promise<string> {
  const { size } = await stat(path);
  if (size > bytesMax) throw new Error(`${path} is too large: ${size} bytes, at most ${bytesMax}`);
  return readFile(path, 'utf8');
}

/** Says which file a fault is in. */
async function named<T>({ file }: Source, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const { code, faults, message } = error as FleetError;
    if (code !== 'manifest_invalid') throw error;
    throw new Failure(code, `${file}: ${message}`, { details: { file, faults }, cause: error });
  }
}
