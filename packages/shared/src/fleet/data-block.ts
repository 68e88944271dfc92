import * as z from 'zod';
import { FilledText } from '../scalar/filled-text.ts';
import { Id } from '../scalar/id.ts';
import { openEnum } from '../scalar/open-enum.ts';

const names = z.array(FilledText).min(1);

const DisplayType = openEnum(['number', 'bytes', 'timestamp', 'table']).meta({
  enum: ['number', 'bytes', 'timestamp', 'table', 'unknown'],
});

/** One fact on screen. `columns` only for a table. */
export const DisplayField = z.looseObject({
  field: FilledText,
  label: z.string(),
  type: DisplayType.optional(),
  get columns() {
    return z.array(DisplayField).optional();
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
        type: z.enum(['text', 'integer', 'real']).optional(),
        index: z.boolean().optional(),
      }),
    )
    .min(1),
  track_history: z.boolean().optional(),
});
export type Explode = z.infer<typeof Explode>;

/** The JSON that the script prints is facts about the machine. */
export const InventoryBlock = z.looseObject({
  display: z.array(DisplayField),
  summary: z.array(DisplayField).optional(),
  explode: z.array(Explode).optional(),
  history_scalars: z.array(FilledText).optional(),
});
export type InventoryBlock = z.infer<typeof InventoryBlock>;

/** The JSON that the script prints holds rows of an external source; such a job runs on controllers only. */
export const Feed = z.looseObject({ id: Id, field: FilledText, primary_key: names });
export type Feed = z.infer<typeof Feed>;

/** Where a document comes from, for information. */
export const Origin = z.looseObject({
  path: z.string(),
  repo: z.string().optional(),
  script_file: z.string().optional(),
});
export type Origin = z.infer<typeof Origin>;
