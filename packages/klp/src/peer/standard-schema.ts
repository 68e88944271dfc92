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
