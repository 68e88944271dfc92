/** What a program gets from the outside. Only `apps/kanade` and the npm bin build one from the real process. */
export interface Io {
  /** Writes text to standard output before it returns. */
  stdout(text: string): void;
  /** Writes text to standard error before it returns. */
  stderr(text: string): void;
  /** True once standard output could not be written because its reader had gone. */
  readonly isUnread?: () => boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborted when the user or the system asks the program to end. */
  readonly signal: AbortSignal;
}
