import * as z from 'zod';
import { openEnum, optional } from '../scalar/field.ts';
import { FilledText } from '../scalar/filled-text.ts';
import { Id } from '../scalar/id.ts';

const names = z.array(FilledText).min(1);

const DisplayType = openEnum(['number', 'bytes', 'timestamp', 'table']).meta({
  enum: ['number', 'bytes', 'timestamp', 'table', 'unknown'],
});

/** One fact on screen. `columns` only for a table. */
export const DisplayField = z.looseObject({
  field: FilledText,
  label: z.string(),
  type: optional(DisplayType),
  get columns() {
    return optional(z.array(DisplayField));
  },
});
export type DisplayField = z.infer<typeof DisplayField>;

/** A list of facts as rows of a table of their own. */
export const Explode = z.looseObject({
  field: FilledText,
  table: FilledText,
  primary_key: names,
  columns: z
    .array(
      z.looseObject({
        field: FilledText,
        type: optional(z.enum(['text', 'integer', 'real'])),
        index: optional(z.boolean()),
      }),
    )
    .min(1),
  track_history: optional(z.boolean()),
});
export type Explode = z.infer<typeof Explode>;

/** The JSON that the script prints is facts about the machine. */
export const InventoryBlock = z.looseObject({
  display: z.array(DisplayField),
  summary: optional(z.array(DisplayField)),
  explode: optional(z.array(Explode)),
  history_scalars: optional(z.array(FilledText)),
});
export type InventoryBlock = z.infer<typeof InventoryBlock>;

/** The JSON that the script prints holds rows of an external source; such a job runs on controllers only. */
export const FeedBlock = z.looseObject({ id: Id, field: FilledText, primary_key: names });
export type FeedBlock = z.infer<typeof FeedBlock>;

/** Where a document comes from, for information. */
export const Origin = z.looseObject({
  path: z.string(),
  repo: optional(z.string()),
  script_file: optional(z.string()),
});
export type Origin = z.infer<typeof Origin>;
