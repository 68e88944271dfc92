/** What a program of kanade gets from whoever starts it, instead of the process's own globals. */
export interface Io {
  /** Writes text to the standard output as it is. */
  stdout(text: string): void;
  /** Writes text to the standard error as it is. */
  stderr(text: string): void;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Fires when the program shall end. */
  readonly signal: AbortSignal;
}
