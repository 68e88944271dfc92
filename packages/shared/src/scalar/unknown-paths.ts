import type * as z from 'zod';

/** The parts of a zod definition that the walk below needs; zod documents `_zod.def` for such tools. */
interface Definition {
  readonly type: string;
  readonly innerType?: z.ZodType;
  readonly in?: z.ZodType;
  readonly out?: z.ZodType;
  readonly element?: z.ZodType;
  readonly valueType?: z.ZodType;
  readonly options?: readonly z.ZodType[];
  readonly shape?: Record<string, z.ZodType>;
  readonly catchall?: z.ZodType;
}

/**
 * Paths of the keys of `value` that `schema` does not name, on every level; used only at write boundaries. Strict objects
 * are left out, because their parse reports such keys itself.
 */
export function unknownPaths(schema: z.ZodType, value: unknown, path = ''): string[] {
  if (typeof value !== 'object' || value === null) return [];
  const definition = definitionOf(schema);
  const inner = definition.innerType ?? shapedEnd(definition);
  if (inner) return unknownPaths(inner, value, path);
  if (definition.options) return inMeantForm(definition.options, value, path);
  const join = (key: string | number): string => (path === '' ? String(key) : `${path}.${key}`);
  if (Array.isArray(value)) {
    const { element } = definition;
    return element ? value.flatMap((item, index) => unknownPaths(element, item, join(index))) : [];
  }
  const { shape, valueType, catchall } = definition;
  const isStrict = catchall !== undefined && definitionOf(catchall).type === 'never';
  return Object.entries(value).flatMap(([key, child]) => {
    const known = valueType ?? (shape && Object.hasOwn(shape, key) ? shape[key] : undefined);
    if (known) return unknownPaths(known, child, join(key));
    return shape && !isStrict ? [join(key)] : [];
  });
}

/** The end of a pipe that has a shape: the second one where a function stands before it, the first one else. */
function shapedEnd({ in: first, out }: Definition): z.ZodType | undefined {
  return first && definitionOf(first).type === 'transform' ? out : first;
}

function definitionOf(schema: z.ZodType): Definition {
  return schema._zod.def as unknown as Definition;
}

/** A form that accepts the value decides; when none does, the one that knows most of its keys. */
function inMeantForm(forms: readonly z.ZodType[], value: object, path: string): string[] {
  const fitting = forms.filter((form) => {
    const { type } = definitionOf(form);
    return Array.isArray(value) ? type === 'array' : type !== 'array' && type !== 'string' && type !== 'boolean';
  });
  const accepting = fitting.filter((form) => form.safeParse(value).success);
  const candidates = accepting.length > 0 ? accepting : fitting;
  return candidates.map((form) => unknownPaths(form, value, path)).sort((a, b) => a.length - b.length)[0] ?? [];
}
