import { Failure } from '../../answer/answer.ts';
import { defineCommand } from '../../call/command.ts';
import { oneFile, withLook } from './words.ts';

export const verify = defineCommand({
  name: 'verify',
  summary: 'read everything and compare it with its checksums; exit code 1 when something is wrong',
  usage: 'FILE',
  options: {},
  examples: ['kanade outbox verify state.db'],
  async run(_options, words, context) {
    const place = oneFile(words, context);
    return withLook(place, async (look) => {
      const report = await look.verify({ structure: true, signal: place.signal });
      const { records, bytes, damagedRecords, damagedIds, problems } = report;
      const found = { damaged_records: damagedRecords, damaged_ids: damagedIds, problems };
      const answer = { file: place.path, table: look.table, records, bytes, ...found };
      if (report.ok) return { type: 'outbox.verify', ...answer };
      const message = `outbox ${place.path} is not sound: ${damagedRecords} damaged records, ${problems.length} problems of the file`;
      throw new Failure('unsound', message, { details: answer });
    });
  },
});
