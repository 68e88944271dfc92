import * as z from 'zod';
import { Notification } from '../fleet/notification.ts';
import { Schedule } from '../schedule/schedule.ts';
import { Manifest } from './manifest.ts';

const documents = {
  manifest: ['kanade job manifest', Manifest],
  schedule: ['kanade schedule', Schedule],
  notification: ['kanade notification', Notification],
} as const;

/** The documents that people write, for which editors want a schema. */
export type DocumentName = keyof typeof documents;
export const documentNames = Object.keys(documents) as readonly DocumentName[];

/** JSON Schema (draft 07) of a document that people write. */
export function documentSchema(name: DocumentName): Record<string, unknown> {
  const [title, schema] = documents[name];
  return { title, ...z.toJSONSchema(schema, { io: 'input', target: 'draft-07', unrepresentable: 'any' }) };
}
