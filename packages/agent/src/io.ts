/** What a program of kanade gets from whoever starts it, instead of the process's own globals. */
export interface Io {
  /** Writes text to the standard output as it is. */
  stdout(text: string): void;
  /** Writes text to the standard error as it is. */
  stderr(text: string): void;
  /** Whether standard output (1) or error (2) is a terminal; without it neither is. */
  readonly isTerminal?: (stream: 1 | 2) => boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Fires when the program shall end. */
  readonly signal: AbortSignal;
}
