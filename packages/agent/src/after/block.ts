/** What a script printed for one of its readers, as a JSON object. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type Fenced, type FenceKind, unfence } from '@kanade/shared/fleet-words';
import { limits } from '../limits.ts';
import type { JobOutcome } from '../run/model.ts';
import { printedBy } from './printed.ts';

/** An object that was printed, or why there is none. */
export type Block = { readonly fields: Readonly<Record<string, unknown>> } | { readonly fault: string };

/** Up to `blocksMax` blocks for one reader, at least one. */
export async function blocksOf(
  outcome: Pick<JobOutcome, 'read'>,
  kind: FenceKind,
  { blocksMax, signal }: { blocksMax: number; signal: AbortSignal },
): Promise<readonly Block[]> {
  const found = await unfence(kind, printedBy(outcome, signal), { charsMax: limits.blockCharsMax, blocksMax });
  const blocks: Block[] = [];
  for (const one of found) blocks.push(await blockOf(one, kind));
  return blocks;
}

/** Reads what was found. A text that would hold up the event loop is not parsed. */
export async function blockOf(found: Fenced, kind: FenceKind): Promise<Block> {
  switch (found.found) {
    case 'none':
      return { fault: `nothing was printed for ${kind}` };
    case 'unclosed':
      return { fault: `the ${kind} block has no end line` };
    case 'too_long':
      return { fault: `what was printed for ${kind} is over ${limits.blockCharsMax} characters; ${fenceIt(kind)}` };
    case 'fenced':
    case 'bare':
      if (await hasTooManySigns(found.text))
        return { fault: `what was printed for ${kind} has too many parts; ${fenceIt(kind)}` };
      return parsed(found.text, kind);
  }
}

const fenceIt = (kind: FenceKind): string => `print it between #KANADE-${kind}-BEGIN and #KANADE-${kind}-END, and less`;

function parsed(text: string, kind: FenceKind): Block {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return { fields: value as Record<string, unknown> };
    return { fault: `what was printed for ${kind} is no JSON object` };
  } catch {
    return { fault: `what was printed for ${kind} is no JSON` };
  }
}

/** Characters that are counted in one turn of the event loop. */
const countedTogether = 256 * 1024;

/** Over the signs by which the parts of a JSON text are told apart: what parsing it costs. */
async function hasTooManySigns(text: string): Promise<boolean> {
  let count = 0;
  for (let from = 0; from < text.length; from += countedTogether) {
    const part = text.slice(from, from + countedTogether);
    for (let at = 0; at < part.length; at++) {
      const code = part.charCodeAt(at);
      if (code === 0x2c || code === 0x3a || code === 0x5b || code === 0x7b) count++;
    }
    if (count > limits.blockSignsMax) return true;
    await nextTurn();
  }
  return false;
}

/** A field of its own, whatever it is named. */
export const fieldOf = (fields: Readonly<Record<string, unknown>>, name: string): unknown =>
  Object.hasOwn(fields, name) ? fields[name] : undefined;
