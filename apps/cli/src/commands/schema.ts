import { wholeSecond } from '@kanade/shared/job';
import { UsageError } from '../arguments.ts';
import { defineCommand } from '../command.ts';

export const schema = defineCommand({
  name: 'schema',
  summary: 'the JSON Schema of every answer',
  usage: '',
  options: {},
  examples: ['kanade schema'],
  async run(_options, words) {
    if (words.length > 0) throw new UsageError(`unexpected word ${JSON.stringify(words[0])}`);
    // Loaded on demand: it brings the schema library, which no other local command needs.
    const { schemaDocument } = await import('./schema-document.ts');
    return {
      type: 'schema',
      schema_format: 'json-schema-draft-07',
      schema: schemaDocument(),
      generated_at: wholeSecond(Date.now()),
    };
  },
});
