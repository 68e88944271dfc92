import * as z from 'zod';
import { unknownPaths } from './unknown-paths.ts';
import { wording } from './wording.ts';

/** One fault of a document: where (`execute.timeout`, `client.confirm.message`) and what. */
export interface Fault {
  readonly path: string;
  readonly message: string;
}

/** What a reader makes of a document: the value, or every fault of it. */
export type Read<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly faults: readonly Fault[] };

/** Every fault of a failed parse, in document order. An empty path means the document itself. */
export function faultsOf(error: z.ZodError): Fault[] {
  return faultsIn(error.issues, []);
}

/** The keys of `value` that `schema` does not name, on every level; used only at write boundaries. */
export function unknownKeys(schema: z.ZodType, value: unknown, path = ''): Fault[] {
  return unknownPaths(schema, value, path).map((at) => ({ path: at, message: 'unknown key' }));
}

/**
 * Levels of lists and objects in a document. Unknown keys are kept, so what is read may be written again, and `JSON.stringify`
 * fails some thousand levels down: a document without end would be accepted and then fit nowhere.
 */
const levelsMax = 64;

function isNestedWithin(value: object, levels: number): boolean {
  if (levels === 0) return false;
  for (const key in value) {
    const child: unknown = value[key as keyof typeof value];
    if (typeof child === 'object' && child !== null && !isNestedWithin(child, levels - 1)) return false;
  }
  return true;
}

/** Reads tolerantly: unknown keys are kept. Faults are in our words. Never throws. */
export function readAs<S extends z.ZodType>(schema: S, value: unknown): Read<z.output<S>> {
  if (typeof value === 'object' && value !== null && !isNestedWithin(value, levelsMax)) {
    return { ok: false, faults: [{ path: '', message: `must have at most ${levelsMax} levels` }] };
  }
  const parsed = schema.safeParse(value, { error: wording });
  return parsed.success ? { ok: true, value: parsed.data } : { ok: false, faults: faultsOf(parsed.error) };
}

/**
 * Reads at a write boundary: every key that the schema does not name is a fault too, with its path. `rulesOf` adds what
 * holds between fields; it is asked whenever the shape is right, so that all faults come together. Never throws.
 */
export function strictAs<S extends z.ZodType>(
  schema: S,
  value: unknown,
  rulesOf: (value: z.output<S>) => readonly Fault[] = () => [],
): Read<z.output<S>> {
  const read = readAs(schema, value);
  const faults = [
    ...(read.ok ? [] : read.faults),
    ...unknownKeys(schema, value),
    ...(read.ok ? rulesOf(read.value) : []),
  ];
  return read.ok && faults.length === 0 ? read : { ok: false, faults };
}

function faultsIn(issues: readonly z.core.$ZodIssue[], at: readonly PropertyKey[]): Fault[] {
  return issues.flatMap((issue) => {
    const parts = [...at, ...issue.path];
    const path = parts.map(String).join('.');
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => ({ path: path === '' ? key : `${path}.${key}`, message: 'unknown key' }));
    }
    const form = issue.code === 'invalid_union' ? meantForm(issue.errors) : undefined;
    return form ? faultsIn(form, parts) : [{ path, message: issue.message }];
  });
}

/** Of the forms that a value may have, the one whose outer shape fits and that has the fewest faults. */
function meantForm(forms: readonly (readonly z.core.$ZodIssue[])[]): readonly z.core.$ZodIssue[] | undefined {
  return forms
    .filter((issues) => issues.every(({ code, path }) => path.length > 0 || code !== 'invalid_type'))
    .filter((issues) => issues.every(({ code, path }) => path.length > 0 || code !== 'invalid_value'))
    .sort((a, b) => a.length - b.length)[0];
}

/**
 * `readAs` for a program that reads thousands of one type: the same schema, compiled once. Making a reader takes about a
 * millisecond and brings the compiler of zod (8 KiB gzipped); validation then takes a third of the time. Where code must not
 * be generated (a strict content security policy) it reads as `readAs` does.
 */
export function createReader<S extends z.ZodType>(schema: S): (value: unknown) => Read<z.output<S>> {
  const compiled = z.compile(schema);
  return (value) => readAs(compiled, value);
}
