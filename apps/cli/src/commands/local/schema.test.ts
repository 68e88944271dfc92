import { SchemaResponse } from '@kanade/shared/job';
import { expect, it } from 'vitest';
import { type Answer, UsageError } from '../../call/command.ts';
import { schema } from './schema.ts';

const context = {} as Parameters<typeof schema.run>[2];

it('schema answers with a draft-07 document that has a definition for every answer', async () => {
  const answer = (await schema.run({}, [], context)) as Answer;
  const { generated_at, schema: document } = SchemaResponse.parse({ schema_version: '0.1', ok: true, ...answer });
  expect(generated_at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  expect(document).toMatchObject({
    $schema: 'http://json-schema.org/draft-07/schema#',
    definitions: { WaitResponse: { allOf: [{}, { required: expect.arrayContaining(['job_id', 'state']) }] } },
  });
});

it('schema takes no words', async () => {
  await expect(schema.run({}, ['more'], context)).rejects.toThrow(UsageError);
});
