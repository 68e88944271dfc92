import { wholeSecond } from '@kanade/shared/job-words';
import { defineCommand, UsageError } from '../../call/command.ts';

export const schema = defineCommand({
  name: 'schema',
  summary: 'the JSON Schema of every answer, or of a manifest, schedule or notification',
  usage: '[manifest|schedule|notification]',
  words: ['manifest', 'schedule', 'notification'],
  options: {},
  examples: ['kanade schema', 'kanade schema manifest'],
  async run(_options, words) {
    const [name, extra] = words;
    if (extra !== undefined) throw new UsageError(`unexpected word ${JSON.stringify(extra)}`);
    // Loaded on demand: it brings the schema library, which no other local command needs.
    const { documentNames, schemaDocument } = await import('../../local/schema-document.ts');
    const document = schemaDocument(name);
    if (document === undefined) {
      throw new UsageError(
        `no schema ${JSON.stringify(name)}: one of ${documentNames.join(', ')}, or none for the answers`,
      );
    }
    return {
      type: 'schema',
      schema_format: 'json-schema-draft-07',
      schema: document,
      generated_at: wholeSecond(Date.now()),
    };
  },
});
