/** What a program of kanade gets from whoever starts it; `main` touches no process globals. */
export interface Io {
  stdout(text: string): void;
  stderr(text: string): void;
  /** Whether standard output (1) or error (2) is a terminal; without it neither is. */
  readonly isTerminal?: (stream: 1 | 2) => boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborts when the program has to stop: Ctrl-C, a service manager, the caller of `main`. */
  readonly signal: AbortSignal;
}
