/*
 * What two peers agree on. Everything that is one product's own stands in its contract: methods and pushes with their shapes, which method opens a
 * connection, and what errors are called, numbered and said to be. The shapes come from any validator that follows Standard Schema v1.
 */

/** The part of Standard Schema v1 that this package uses; every validator that follows that specification fits. */
export interface StandardSchemaV1<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] };

export interface SchemaIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

export type SchemaInput<S extends StandardSchemaV1> = NonNullable<S['~standard']['types']>['input'];
export type SchemaOutput<S extends StandardSchemaV1> = NonNullable<S['~standard']['types']>['output'];

/** What this package itself says on the wire; a contract has a row for each, and as many of its own as it likes. */
export type ProtocolErrorKind =
  | 'ParseError'
  | 'InvalidRequest'
  | 'MethodNotFound'
  | 'InvalidParams'
  | 'InternalError'
  | 'Unauthorized'
  | 'RateLimit'
  | 'PayloadTooLarge'
  | 'DeadlineExceeded'
  | 'Cancelled';

/** Kind → the number and the words that it has on the wire. Peers switch on the kind, never on the number. */
export type ErrorTable = Readonly<Record<ProtocolErrorKind, ErrorRow>> & Readonly<Record<string, ErrorRow>>;

export interface ErrorRow {
  readonly code: number;
  readonly message: string;
}

export type MethodTable = Record<string, { params: StandardSchemaV1; result: StandardSchemaV1 }>;
export type PushTable = Record<string, StandardSchemaV1>;

/** Methods the client calls, pushes the server sends, errors either may read. */
export interface Contract<
  Methods extends MethodTable = MethodTable,
  Pushes extends PushTable = PushTable,
  Opening extends string = string,
> {
  readonly methods: Methods;
  readonly pushes: Pushes;
  readonly errors: ErrorTable;
  /** The method that must come first on every connection. */
  readonly handshake: Opening;
  /** Methods that never wait for a place behind slow ones. Default none. */
  readonly prompt?: readonly string[];
}

export type MethodName<C extends Contract> = keyof C['methods'] & string;
export type PushName<C extends Contract> = keyof C['pushes'] & string;
export type HandshakeName<C extends Contract> = C['handshake'] & MethodName<C>;

/** What a caller passes; the server's schema has not filled in defaults yet. */
export type CallParams<C extends Contract, K extends MethodName<C>> = SchemaInput<C['methods'][K]['params']>;
/** What a caller gets, validated on arrival. */
export type CallResult<C extends Contract, K extends MethodName<C>> = SchemaOutput<C['methods'][K]['result']>;
/** What a handler gets, validated on arrival. */
export type HandlerParams<C extends Contract, K extends MethodName<C>> = SchemaOutput<C['methods'][K]['params']>;
/** What a handler returns. */
export type HandlerResult<C extends Contract, K extends MethodName<C>> = SchemaInput<C['methods'][K]['result']>;
/** What the server pushes. */
export type PushParams<C extends Contract, K extends PushName<C>> = SchemaInput<C['pushes'][K]>;
/** What a client receives of a push, validated on arrival. */
export type PushReceived<C extends Contract, K extends PushName<C>> = SchemaOutput<C['pushes'][K]>;
/** Any push of a contract, told apart by `method`. */
export type Push<C extends Contract> = { [K in PushName<C>]: { method: K; params: PushReceived<C, K> } }[PushName<C>];

/** Keeps the literal types of a contract. */
export function defineContract<
  const Methods extends MethodTable,
  const Pushes extends PushTable,
  const Opening extends keyof Methods & string,
>(
  contract: Contract<Methods, Pushes, Opening> & { readonly prompt?: readonly (keyof Methods & string)[] },
): Contract<Methods, Pushes, Opening> {
  return contract;
}

const issuesShownMax = 5;
const issueCharsMax = 500;

/** One line for people: at most 5 issues, 500 characters. Holds paths and rules of the schema, so it may be shown to the peer. */
export function describeIssues(issues: readonly SchemaIssue[]): string {
  const shown = issues.slice(0, issuesShownMax).map(({ path, message }) => {
    const place = (path ?? []).map((part) => String(typeof part === 'object' ? part.key : part)).join('.');
    return place === '' ? message : `${place}: ${message}`;
  });
  if (issues.length > issuesShownMax) shown.push(`${issues.length - issuesShownMax} more`);
  return shown.join('; ').slice(0, issueCharsMax);
}
