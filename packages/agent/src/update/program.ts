/** The program that this agent is. */

/** What of itself an agent can exchange, or why it cannot. */
export type OwnProgram =
  | { readonly kind: 'executable'; readonly path: string }
  | { readonly kind: 'unable'; readonly reason: string };

/** Looked up once, at the start: the name of a running executable changes when another takes its place. */
export function ownProgram(): OwnProgram {
  const script = process.argv[1] ?? '';
  if (!script.includes('$bunfs') && !script.includes('~BUN')) {
    const reason = 'it does not run as an executable of its own: whoever installed its package brings the next version';
    return { kind: 'unable', reason };
  }
  if (process.platform === 'win32') return { kind: 'unable', reason: 'agents on Windows are not exchanged yet' };
  return { kind: 'executable', path: process.execPath };
}
