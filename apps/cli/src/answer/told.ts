/** What an answer holds, and what is said of it. */

/** An answer, or a part of one, as it was printed for programs. */
export type Told = Readonly<Record<string, unknown>>;

/** Good and bad differ in word and sign; `open` has not ended, `plain` is neither. */
export interface Sentence {
  readonly mark: 'good' | 'bad' | 'open' | 'plain';
  readonly text: string;
}

export const saying = {
  good: (text: string): Sentence => ({ mark: 'good', text }),
  bad: (text: string): Sentence => ({ mark: 'bad', text }),
  open: (text: string): Sentence => ({ mark: 'open', text }),
  plain: (text: string): Sentence => ({ mark: 'plain', text }),
} as const;

/** A list of an answer; an empty one where there is none. */
export const listIn = (known: unknown): readonly Told[] => (Array.isArray(known) ? known : []);
