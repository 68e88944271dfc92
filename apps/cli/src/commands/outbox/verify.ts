import { defineOutboxCommand } from '../../outbox/command.ts';
import { Failure } from './failure.ts';
import { withLook } from './open.ts';
import { noWords } from './words.ts';

export const verify = defineOutboxCommand({
  name: 'verify',
  summary: 'read everything and compare it with its checksums; exit code 1 when something is wrong',
  usage: '',
  options: {},
  examples: ['kanade outbox verify state.db'],
  plan(_, words) {
    noWords(words);
    return (context) =>
      withLook(context, async (look) => {
        const report = await look.verify({ structure: true, signal: context.signal });
        const { records, bytes, damagedRecords, damagedIds, problems } = report;
        const found = { damaged_records: damagedRecords, damaged_ids: damagedIds, problems };
        const answer = { file: context.path, table: look.table, records, bytes, ...found };
        if (report.ok) return { type: 'outbox.verify', ...answer };
        const message = `outbox ${context.path} is not sound: ${damagedRecords} damaged records, ${problems.length} problems of the file`;
        throw new Failure('unsound', message, { details: answer });
      });
  },
});
