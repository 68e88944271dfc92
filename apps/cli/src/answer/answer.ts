/** What a call has to say, and how: the envelope, its error, the form it is printed in. One document per call. */
import { schemaVersion } from '@kanade/shared/job-words';
import {
  type AlreadyPrinted,
  type Answer,
  type ContractVersion,
  calledAs,
  contracts,
  type Door,
  type Eventually,
  type FormName,
  forms,
  goOn,
  UsageError,
} from '../call/command.ts';
import type { Io } from '../io.ts';
import { preferredForm } from '../local/settings.ts';

/** What is printed: the envelope with the answer or the error in it. */
export type Document = Readonly<Record<string, unknown>> & { readonly ok: boolean };

/** What a call has to say: a document, a text as it is, or what was printed already. */
export type Said = Document | AlreadyPrinted | string;

export const isPrinted = (said: object): said is AlreadyPrinted => 'exitCode' in said;

/** The answer with its envelope in front. */
export const envelopeOf = ({ type, ...payload }: Answer): Document => ({
  schema_version: schemaVersion,
  ok: true,
  type,
  ...payload,
});

/** The answer is no: what a command throws whose library has no error of its own for it. */
export class Failure extends Error {
  override readonly name = 'Failure';
  readonly code: string;
  readonly retryable: boolean;
  readonly details: Readonly<Record<string, unknown>> | undefined;

  constructor(code: string, message: string, options: FailureOptions = {}) {
    super(message, { cause: options.cause });
    this.code = code;
    this.retryable = options.retryable ?? false;
    this.details = options.details;
  }
}

interface FailureOptions {
  /** The same call may succeed later; default false. */
  readonly retryable?: boolean;
  readonly details?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/** Errors with a code that callers switch on. By name: what is loaded on demand brings a class of its own. */
const coded: readonly string[] = ['JobError', 'Failure', 'FleetError', 'OutboxError', 'DurableError', 'UpdateError'];

type Coded = Error & Pick<Failure, 'code'> & { retryable?: boolean; details?: unknown; faults?: readonly unknown[] };

/** The document for what a command threw. */
export function failureOf(thrown: unknown, { signal }: Io, program: string): Document {
  if (!(thrown instanceof Error)) return errorDocument('internal_error', String(thrown));
  const { code, retryable, details, faults = [] } = thrown as Coded;
  if (coded.includes(thrown.name)) {
    return errorDocument(code, calledAs(program, thrown.message), {
      retryable: retryable ?? code === 'busy',
      details: details ?? (faults.length > 0 ? { faults } : undefined),
    });
  }
  const isStop = signal.aborted && thrown === signal.reason;
  return errorDocument(isStop ? 'interrupted' : 'internal_error', thrown.message, { retryable: isStop });
}

function errorDocument(
  code: string,
  message: string,
  { retryable = false, details }: { retryable?: boolean; details?: unknown } = {},
): Document {
  const error = { code, message, retryable, ...(details === undefined ? {} : { details }) };
  return { schema_version: schemaVersion, ok: false, type: 'error', error };
}

/** How a document is printed. */
export interface Form {
  readonly as: FormName;
  readonly contract: ContractVersion;
}

/**
 * The form of an answer: by option, `KANADE_OUTPUT`, then on a terminal by the configuration file and by what the door is for;
 * JSON everywhere else. Throws {@link UsageError}.
 */
export function formOf(given: Readonly<Record<string, unknown>>, io: Io, door: Door): Eventually<Form> {
  const contract = (
    door.name === '' ? (given.contract ?? (io.env.KANADE_CONTRACT || '0.2.31')) : '0.2.31'
  ) as ContractVersion;
  if (!contracts.includes(contract))
    throw new UsageError(`unknown contract ${JSON.stringify(contract)}: one of ${contracts.join(', ')}`);
  const asked = (given.json ?? given.yaml ?? given.human) === undefined ? undefined : askedForm(given);
  const chosen = asked ?? (io.env.KANADE_OUTPUT || undefined);
  if (chosen !== undefined) return { as: knownForm(chosen), contract };
  if (!io.isTerminal?.(1)) return { as: 'json', contract };
  return goOn(preferredForm(io.env, given.config as string | undefined), (preferred) => ({
    as: preferred ?? (door.speaksToPeople ? 'human' : 'json'),
    contract,
  }));
}

function askedForm(given: Readonly<Record<string, unknown>>): FormName | undefined {
  const [asked, other] = forms.filter((form) => given[form] === true);
  if (other) throw new UsageError(`--${asked} and --${other} exclude each other`);
  return asked;
}

function knownForm(chosen: string): FormName {
  const form = forms.find((known) => known === chosen);
  if (!form) throw new UsageError(`KANADE_OUTPUT must be one of ${forms.join(', ')}: ${chosen}`);
  return form;
}

/** The text of a document. Everything but one line of JSON is loaded on demand. */
export function textOf(document: Document, form: Form, io: Io): Eventually<string> {
  if (form.contract === '0.2.31' && form.as === 'json') return `${JSON.stringify(document)}\n`;
  return otherTextOf(document, form, io);
}

async function otherTextOf(document: Document, { as, contract }: Form, io: Io): Promise<string> {
  const shaped = contract === '0.1.18' ? (await import('./legacy.ts')).legacyOf(document) : document;
  if (as === 'yaml') return (await import('./yaml.ts')).yamlOf(shaped);
  if (as === 'json') return `${JSON.stringify(shaped)}\n`;
  const isScreen = io.isTerminal?.(1) === true;
  const colourful = isScreen && !io.env.NO_COLOR && io.env.TERM !== 'dumb';
  return (await import('./human.ts')).humanOf(shaped, { colourful, isScreen });
}
