import * as z from 'zod';
import { localErrors } from './words.ts';

/** What `data.kind` of an error says; one that this version does not know reads as `Unknown`. */
export const LocalErrorKind = z
  .string()
  .transform((text): keyof typeof localErrors => (isErrorKind(text) ? text : 'Unknown'))
  .meta({ enum: Object.keys(localErrors) });
export type LocalErrorKind = z.infer<typeof LocalErrorKind>;

const isErrorKind = (text: string): text is keyof typeof localErrors => Object.hasOwn(localErrors, text);
