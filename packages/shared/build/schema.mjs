/** Writes JSON Schemas for editors and other languages into `schema/`, from what tsc has built. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';
import { Manifest } from '../dist/fleet.js';

const dir = fileURLToPath(new URL('../schema/', import.meta.url));
mkdirSync(dir, { recursive: true });
const schema = z.toJSONSchema(Manifest, { io: 'input', unrepresentable: 'any' });
writeFileSync(
  `${dir}manifest.schema.json`,
  `${JSON.stringify({ title: 'kanade job manifest', ...schema }, null, 2)}\n`,
);
