import * as z from 'zod';

const factors: Record<string, number> = {
  '': 1,
  b: 1,
  k: 1e3,
  kb: 1e3,
  m: 1e6,
  mb: 1e6,
  g: 1e9,
  gb: 1e9,
  ki: 1_024,
  kib: 1_024,
  mi: 1_048_576,
  mib: 1_048_576,
  gi: 1_073_741_824,
  gib: 1_073_741_824,
};

/** Bytes of a size such as `50MB` (50,000,000) or `50MiB` (52,428,800); undefined when it is not one. */
export function parseByteSize(text: string): number | undefined {
  const match = /^(\d{1,12}(?:\.\d{1,6})?)\s*([a-z]*)$/i.exec(text.trim());
  const factor = match?.[2] === undefined ? undefined : factors[match[2].toLowerCase()];
  if (!match || factor === undefined) return undefined;
  const bytes = Math.floor(Number(match[1]) * factor);
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** A size in bytes, kept as the text that was written. */
export const ByteSize = z.string().refine((text) => (parseByteSize(text) ?? 0) > 0, {
  error: 'must be a size such as 500KB, 50MB or 2GiB',
});
export type ByteSize = z.infer<typeof ByteSize>;
