/** The one writer of standard output: exactly one document per call. */
import { schemaVersion } from '@kanade/shared/job';
import { UsageError } from '../call/arguments.ts';
import type { Answer } from '../call/command.ts';
import type { Eventually } from '../call/eventually.ts';
import type { Io } from '../io.ts';

/** What is printed: the envelope with the answer or the error in it. */
export type Document = Readonly<Record<string, unknown>> & { readonly ok: boolean };

/** The versions whose answers we print; the last one is today's. */
const contracts = ['0.1.18', '0.2.31'] as const;
export type Contract = (typeof contracts)[number];

/** How a document is printed. */
export interface Form {
  readonly yaml: boolean;
  readonly human: boolean;
  readonly contract: Contract;
}

/** The form that the global options and the environment ask for. Throws {@link UsageError}. */
export function formOf(globals: Record<string, unknown>, env: Io['env']): Form {
  const contract = (globals.contract ?? (env.KANADE_CONTRACT || '0.2.31')) as Contract;
  if (!contracts.includes(contract))
    throw new UsageError(`unknown contract ${JSON.stringify(contract)}: one of ${contracts.join(', ')}`);
  const [yaml, human] = [globals.yaml === true, globals.human === true];
  if (yaml && human) throw new UsageError('--yaml and --human exclude each other');
  return { yaml, human, contract };
}

/** Prints a document in its form. Everything but one line of JSON is loaded on demand. */
export function printDocument(io: Io, document: Document, form: Form): Eventually<void> {
  return form.contract === '0.2.31' && !form.yaml && !form.human
    ? printJson(io, document)
    : printOtherwise(io, document, form);
}

async function printOtherwise(io: Io, document: Document, { yaml, human, contract }: Form): Promise<void> {
  const shaped = contract === '0.1.18' ? (await import('./legacy.ts')).legacyOf(document) : document;
  if (yaml) (await import('./yaml.ts')).printYaml(io, shaped);
  else if (human) (await import('./human.ts')).printHuman(io, shaped);
  else printJson(io, shaped);
}

const printJson = (io: Io, document: unknown): void => io.stdout(`${JSON.stringify(document)}\n`);

export function printAnswer(io: Io, answer: Answer): void {
  printJson(io, envelopeOf(answer));
}

/** The answer with its envelope in front. */
export const envelopeOf = ({ type, ...payload }: Answer): Document => ({
  schema_version: schemaVersion,
  ok: true,
  type,
  ...payload,
});

/** The error object of an answer. */
export interface Failing {
  readonly code: string;
  readonly message: string;
  /** The same call may succeed later; default false. */
  readonly retryable?: boolean;
  readonly details?: unknown;
}

/** The document for what a command threw. */
export function failureOf(thrown: unknown): Document {
  // By name: what is loaded on demand brings a class of its own.
  if (thrown instanceof Error && thrown.name === 'JobError') return errorDocument(thrown as Error & Failing);
  return errorDocument({ code: 'internal_error', message: thrown instanceof Error ? thrown.message : String(thrown) });
}

function errorDocument({ code, message, retryable = false, details }: Failing): Document {
  const error = { code, message, retryable, ...(details === undefined ? {} : { details }) };
  return { schema_version: schemaVersion, ok: false, type: 'error', error };
}

export function printError(io: Io, failing: Failing): void {
  printJson(io, errorDocument(failing));
}
