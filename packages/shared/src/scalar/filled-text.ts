import * as z from 'zod';

/** A text with something in it. */
export const FilledText = z.string().refine((text) => text.trim() !== '', { error: 'must not be empty' });
export type FilledText = z.infer<typeof FilledText>;
