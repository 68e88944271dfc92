/** Writes JSON Schemas for editors and other languages into `schema/`, from what tsc has built. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';
import { JobMeta, JobStateFile, jobSchemaDocument } from '../dist/job.js';
import { documentNames, documentSchema } from '../dist/manifest.js';

const dir = fileURLToPath(new URL('../schema/', import.meta.url));

const jsonSchema = (title, schema) => ({
  title,
  ...z.toJSONSchema(schema, { io: 'input', target: 'draft-07', unrepresentable: 'any' }),
});

/** File → what it describes. */
const documents = {
  ...Object.fromEntries(documentNames.map((name) => [name, documentSchema(name)])),
  'job-meta': jsonSchema('meta.json of a kanade job', JobMeta),
  'job-state': jsonSchema('state.json of a kanade job', JobStateFile),
  'command-line': jobSchemaDocument(),
};

rmSync(dir, { recursive: true, force: true });
mkdirSync(dir, { recursive: true });
for (const [name, document] of Object.entries(documents)) {
  writeFileSync(`${dir}${name}.schema.json`, `${JSON.stringify(document, null, 2)}\n`);
}
