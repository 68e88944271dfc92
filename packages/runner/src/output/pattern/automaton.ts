/**
 * Runs a program over the characters of a line, each looked at once: what a line costs grows with its length alone. The sets of places
 * that the machine can be in at once are its states; they are made when they are met, and forgotten when there are too many.
 */
import type { Assertion } from './parse.ts';
import type { Instruction } from './program.ts';

/** What stands before a place: `start` of the line, a word character, or another. */
type Before = 'start' | 'word' | 'other';

interface State {
  /** Where the machine is before what needs no character; ascending. */
  readonly places: readonly number[];
  readonly before: Before;
  readonly next: Map<string, State>;
}

/** Steps, and places of states, that are remembered before all are forgotten: some megabytes at the most. */
const rememberedMax = 200_000;

export interface LineRun {
  /** Goes on with further characters, none cut; true once the line matches. */
  feed(text: string): boolean;
  /** The line is over: whether it matches. */
  end(): boolean;
}

export interface Automaton {
  begin(): LineRun;
}

const isWord = (character: string): boolean => /^\w$/.test(character);

export function createAutomaton(program: readonly Instruction[]): Automaton {
  const accepted: State = { places: [], before: 'other', next: new Map() };
  let states = new Map<string, State>();
  let remembered = 0;
  const stateOf = (places: readonly number[], before: Before): State => {
    const key = `${before} ${places.join(' ')}`;
    let state = states.get(key);
    if (!state) {
      state = { places, before, next: new Map() };
      states.set(key, state);
      remembered += places.length;
    }
    return state;
  };
  const step = (state: State, character: string): State => {
    const after = isWord(character) ? 'word' : 'other';
    const reached = reach(program, state, after);
    if (reached === 'match') return accepted;
    const places = new Set([0]); // it may begin anywhere
    for (const place of reached) {
      const instruction = program[place];
      if (instruction?.kind === 'take' && instruction.takes(character)) places.add(place + 1);
    }
    return stateOf(
      [...places].sort((a, b) => a - b),
      after,
    );
  };
  const stepOnce = (state: State, character: string): State => {
    const known = state.next.get(character);
    if (known) return known;
    remembered++;
    if (remembered > rememberedMax) {
      remembered = 0;
      states = new Map();
    }
    const next = step(state, character);
    state.next.set(character, next);
    return next;
  };
  return {
    begin() {
      let state = stateOf([0], 'start');
      return {
        feed(text) {
          for (const character of text) {
            if (state === accepted) return true;
            state = stepOnce(state, character);
          }
          return state === accepted;
        },
        end: () => state === accepted || reach(program, state, 'end') === 'match',
      };
    },
  };
}

/** The places that take a character, reached from those of a state without one; `match` when the end is among them. */
function reach(program: readonly Instruction[], state: State, after: 'word' | 'other' | 'end'): number[] | 'match' {
  const seen = new Uint8Array(program.length);
  const reached: number[] = [];
  const ahead = [...state.places];
  for (let place = ahead.pop(); place !== undefined; place = ahead.pop()) {
    if (seen[place]) continue;
    seen[place] = 1;
    const instruction = program[place];
    if (instruction?.kind === 'match') return 'match';
    if (instruction?.kind === 'take') reached.push(place);
    else if (instruction?.kind === 'fork') ahead.push(...instruction.to);
    else if (instruction?.kind === 'assert' && holds(instruction.what, state.before, after)) ahead.push(place + 1);
  }
  return reached;
}

function holds(what: Assertion, before: Before, after: 'word' | 'other' | 'end'): boolean {
  if (what === 'start') return before === 'start';
  if (what === 'end') return after === 'end';
  const isEdge = (before === 'word') !== (after === 'word');
  return what === 'word-edge' ? isEdge : !isEdge;
}
