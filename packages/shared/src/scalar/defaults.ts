/**
 * Defaults on read, omitted on write (fleet reference, section 3.0). Schemas leave absent fields absent, so that what was
 * read is written back as it was; a reader that wants values asks `withDefaults`, a writer passes `omitDefaults` before
 * it serialises, because older readers may not know the field.
 */

/** A type whose defaulted fields are surely there. */
export type Filled<T, D> = Omit<T, keyof D> & { [K in keyof D & keyof T]-?: Exclude<T[K], undefined> };

/** The value with every absent field at its default. */
export function withDefaults<T extends object, D extends Partial<T>>(value: T, defaults: D): Filled<T, D> {
  return { ...defaults, ...defined(value) } as unknown as Filled<T, D>;
}

/** The value without the fields that are at their default. */
export function omitDefaults<T extends object>(value: T, defaults: Partial<T>): T {
  const kept = Object.entries(defined(value)).filter(([key, field]) => {
    const standard = (defaults as Record<string, unknown>)[key];
    return standard === undefined || JSON.stringify(standard) !== JSON.stringify(field);
  });
  return Object.fromEntries(kept) as T;
}

function defined<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined)) as T;
}
