import { type FileHandle, open, rm } from 'node:fs/promises';
import type { ExportedRecord } from '@kanade/outbox';
import { Failure } from '../../answer/answer.ts';
import { defineCommand, UsageError } from '../../call/command.ts';
import { instant, oneFile, spell, stateOption, states, withLook } from './words.ts';

export const exportRecords = defineCommand({
  name: 'export',
  summary: 'write every record with its body to a new file, one line of JSON each',
  usage: 'FILE',
  options: {
    to: { kind: 'text', value: 'PATH', help: 'the file to make; it must not exist (only you can read it)' },
    state: { kind: 'text', value: 'STATE', values: states, help: 'only ready, waiting, held or quarantined ones' },
  },
  examples: [
    'kanade outbox export state.db --to records.jsonl',
    'kanade outbox export state.db --to bad.jsonl --state quarantined',
  ],
  async run({ to, state: given }, words, context) {
    const place = oneFile(words, context);
    const state = stateOption(given);
    if (!to) throw new UsageError('option --to is missing: the file to write');
    return withLook(place, async (look) => {
      const lines = look.export({ signal: place.signal, ...(state && { state }) });
      const written = await writeLines(to, lines);
      return { type: 'outbox.export', file: place.path, table: look.table, to, ...written };
    });
  },
});

/** One line at a time, on disk when it returns; what was begun is removed when it fails. */
async function writeLines(to: string, records: AsyncIterable<ExportedRecord>) {
  const file = await create(to);
  const sum = { records: 0, bytes: 0 };
  try {
    for await (const record of records) {
      const line = Buffer.from(`${JSON.stringify(lineOf(record))}\n`);
      await file.appendFile(line).catch(unwritable(to));
      sum.records++;
      sum.bytes += line.byteLength;
    }
    await file.sync().catch(unwritable(to));
  } catch (error) {
    await rm(to, { force: true });
    throw error;
  } finally {
    await file.close();
  }
  return sum;
}

function create(to: string): Promise<FileHandle> {
  return open(to, 'wx', 0o600).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EEXIST') throw new Failure('file_exists', `Cannot export: ${to} exists, name a new file`);
    return unwritable(to)(error);
  });
}

const unwritable =
  (to: string) =>
  (cause: Error): never => {
    throw new Failure('file_unwritable', `Cannot export: ${to} cannot be written: ${cause.message}`, { cause });
  };

const lineOf = (record: ExportedRecord) => ({
  ...spell(record),
  not_before: instant(record.notBeforeMs),
  intact: record.intact,
  body_base64: Buffer.from(record.body.buffer, record.body.byteOffset, record.body.byteLength).toString('base64'),
});
