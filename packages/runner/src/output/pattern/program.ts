/** A pattern as a program for a machine that is in many places at once: what takes a character, where it forks, what must hold. */
import { type Assertion, type ParsedPattern, PatternError, type PatternNode } from './parse.ts';

export type Instruction =
  | { readonly kind: 'take'; readonly takes: (character: string) => boolean }
  | { readonly kind: 'assert'; readonly what: Assertion }
  | { readonly kind: 'fork'; readonly to: readonly number[] }
  | { readonly kind: 'match' };

/** Instructions of a program: counted repetitions are written out. */
const instructionsMax = 1_000;

/** Throws `PatternError` for one that is too large. */
export function compilePattern({ node, flags }: ParsedPattern): readonly Instruction[] {
  const writer = new ProgramWriter(flags);
  writer.write(node);
  writer.add({ kind: 'match' });
  return writer.program;
}

class ProgramWriter {
  readonly program: Instruction[] = [];
  readonly #flags: string;
  readonly #atoms = new Map<string, (character: string) => boolean>();

  constructor(flags: string) {
    this.#flags = flags;
  }

  add(instruction: Instruction): number {
    if (this.program.length >= instructionsMax) throw new PatternError(`it is too large: write smaller repetitions`);
    return this.program.push(instruction) - 1;
  }

  write(node: PatternNode): void {
    switch (node.kind) {
      case 'atom':
        this.add({ kind: 'take', takes: this.#atom(node.source) });
        return;
      case 'assert':
        this.add(node);
        return;
      case 'all':
        for (const item of node.items) this.write(item);
        return;
      case 'either':
        this.#either(node.items);
        return;
      case 'repeat':
        this.#repeat(node);
    }
  }

  #either(items: readonly PatternNode[]): void {
    const fork = this.add({ kind: 'fork', to: [] });
    const starts: number[] = [];
    const ends: number[] = [];
    for (const item of items) {
      starts.push(this.program.length);
      this.write(item);
      ends.push(this.add({ kind: 'fork', to: [] }));
    }
    this.#lead(fork, starts);
    for (const end of ends) this.#lead(end, [this.program.length]);
  }

  #repeat({ item, least, most }: PatternNode & { readonly kind: 'repeat' }): void {
    for (let count = 0; count < least; count++) this.write(item);
    if (most === Infinity) {
      const fork = this.add({ kind: 'fork', to: [] });
      this.write(item);
      this.add({ kind: 'fork', to: [fork] });
      this.#lead(fork, [fork + 1, this.program.length]);
      return;
    }
    const forks: number[] = [];
    for (let count = least; count < most; count++) {
      forks.push(this.add({ kind: 'fork', to: [] }));
      this.write(item);
    }
    for (const fork of forks) this.#lead(fork, [fork + 1, this.program.length]);
  }

  #lead(fork: number, to: readonly number[]): void {
    this.program[fork] = { kind: 'fork', to };
  }

  #atom(source: string): (character: string) => boolean {
    const known = this.#atoms.get(source);
    if (known) return known;
    const form = new RegExp(`^(?:${source})$`, this.#flags);
    const takes = (character: string): boolean => form.test(character);
    this.#atoms.set(source, takes);
    return takes;
  }
}
