import type * as z from 'zod';

/** One fault of a document: where (`execute.timeout`, `client.confirm.message`) and what. */
export interface Fault {
  readonly path: string;
  readonly message: string;
}

/** Every fault of a failed parse, in document order. An empty path means the document itself. */
export function faultsOf(error: z.ZodError): Fault[] {
  return error.issues.flatMap((issue) => {
    const path = issue.path.map(String).join('.');
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => ({ path: path === '' ? key : `${path}.${key}`, message: 'unknown key' }));
    }
    return [{ path, message: issue.message }];
  });
}

/** The keys of `value` that `schema` does not name, with their paths; used only at write boundaries. */
export function unknownKeys(schema: z.ZodType, value: unknown, path = ''): Fault[] {
  const inner = unwrap(schema);
  if (Array.isArray(value)) {
    const element = (inner as unknown as { element?: z.ZodType }).element;
    return element ? value.flatMap((item, index) => unknownKeys(element, item, `${path}.${index}`)) : [];
  }
  const shape = (inner as unknown as { shape?: Record<string, z.ZodType> }).shape;
  if (!shape || typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, child]) => {
    const at = path === '' ? key : `${path}.${key}`;
    const known = Object.hasOwn(shape, key) ? shape[key] : undefined;
    return known ? unknownKeys(known, child, at) : [{ path: at, message: 'unknown key' }];
  });
}

function unwrap(schema: z.ZodType): z.ZodType {
  let current = schema as unknown as { _zod: { def: { innerType?: z.ZodType } } };
  while (current._zod.def.innerType) current = current._zod.def.innerType as unknown as typeof current;
  return current as unknown as z.ZodType;
}
