import type { SchemaInput, SchemaOutput, StandardSchemaV1 } from './standard-schema.ts';

export type MethodTable = Record<string, { params: StandardSchemaV1; result: StandardSchemaV1 }>;
export type PushTable = Record<string, StandardSchemaV1>;

/** What two peers agree on: methods the client calls, pushes the server sends. */
export interface Contract<Methods extends MethodTable = MethodTable, Pushes extends PushTable = PushTable> {
  readonly methods: Methods;
  readonly pushes: Pushes;
}

export type MethodName<C extends Contract> = keyof C['methods'] & string;
export type PushName<C extends Contract> = keyof C['pushes'] & string;

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

/** Keeps the literal types of a contract. Schemas may come from any library that follows Standard Schema v1. */
export function defineContract<const Methods extends MethodTable, const Pushes extends PushTable>(
  contract: Contract<Methods, Pushes>,
): Contract<Methods, Pushes> {
  return contract;
}
