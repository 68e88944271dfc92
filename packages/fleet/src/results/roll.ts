/** Who has an order and who has answered it: the state of a wait. Pure. */
import type { Presence } from '../orders/find-machines.ts';

/** A machine that has not answered. `unknown`: nobody could tell yet whether it is online. */
export interface MissingMachine {
  readonly pc_id: string;
  readonly state: Presence | 'unknown';
}

export interface Roll {
  note(pc: string, presence: Presence): void;
  answered(pc: string): void;
  /** Everybody who can be known is known. */
  known(): void;
  /**
   * True when nobody is left to wait for: every machine that was named has answered, be it away now, and so has every machine
   * that is online of those that a group or the whole fleet means.
   */
  isOver(): boolean;
  /** Those that were expected and have not answered, by name. */
  missing(): MissingMachine[];
  counts(): { readonly answered: number; readonly expected: number; readonly away: number };
}

/** The roll of an order to these named machines; with `isOpen` there are others, which have to be found. */
export function createRoll(named: readonly string[], { isOpen }: { isOpen: boolean }): Roll {
  const states = new Map<string, MissingMachine['state']>(named.map((pc) => [pc, 'unknown']));
  const waitedFor = new Set(named);
  const answers = new Set<string>();
  let isKnown = !isOpen;
  const missing = (): MissingMachine[] =>
    [...states]
      .filter(([pc]) => !answers.has(pc))
      .map(([pc_id, state]) => ({ pc_id, state }))
      .sort((a, b) => (a.pc_id < b.pc_id ? -1 : 1));
  return {
    note(pc, presence) {
      states.set(pc, presence);
      if (presence === 'online') waitedFor.add(pc);
    },
    answered: (pc) => void answers.add(pc),
    known() {
      isKnown = true;
    },
    isOver: () => isKnown && [...waitedFor].every((pc) => answers.has(pc)),
    missing,
    counts: () => ({
      answered: answers.size,
      expected: new Set([...states.keys(), ...answers]).size,
      away: missing().filter(({ state }) => state === 'away').length,
    }),
  };
}
