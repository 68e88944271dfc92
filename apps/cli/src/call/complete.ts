/** Completion: the part of the program that a shell calls back. Loaded on demand. */

import type { Io } from '../io.ts';
import { canonical, jobsRoot } from '../local/settings.ts';
import type { House } from './command.ts';
import { type Candidate, candidatesFor } from './completion/candidates.ts';
import { type CompletionShell, completionShells, registrationOf } from './completion/registration.ts';

export { registrationOf } from './completion/registration.ts';

export interface CompletionCall {
  readonly args: readonly string[];
  readonly env: Io['env'];
  readonly program: string;
  readonly house: House;
}

/** The answer to a callback: candidates, or without words the registration script. Undefined when `COMPLETE` names no shell of ours. */
export async function complete({ args, env, program, house }: CompletionCall): Promise<string | undefined> {
  const shell = completionShells.find((known) => known === env.COMPLETE);
  if (!shell) return undefined;
  const dashes = args.indexOf('--');
  if (dashes < 0 || dashes === args.length - 1) return registrationOf(shell, program);
  const words = args.slice(dashes + 1).map((word) => (shell === 'powershell' && word === '""' ? '' : word));
  const index = indexOf(env, words.length - 1);
  const before = words.slice(1, index);
  const found = await candidatesFor({
    before,
    house,
    typed: words[index] ?? '',
    listsFiles: shell === 'fish',
    root: jobsRoot(rootIn(env.COMP_LINE?.split(/\s+/) ?? []) ?? rootIn(before), env),
    cwd: canonical(process.cwd()),
  });
  const separator = (shell === 'bash' && env._CLAP_IFS) || '\n';
  return (
    found.map((candidate) => lineOf(shell, candidate)).join(separator) +
    (found.length > 0 && shell !== 'bash' ? '\n' : '')
  );
}

function indexOf({ _CLAP_COMPLETE_INDEX: text }: Io['env'], last: number): number {
  const index = Number(text);
  return text !== undefined && /^\d+$/.test(text) && index <= last + 1 ? index : last;
}

/** The last `--root` among the words; quotes that a shell would take away are taken away. */
function rootIn(words: readonly string[]): string | undefined {
  const at = words.findLastIndex((word) => word === '--root' || word.startsWith('--root='));
  if (at < 0) return undefined;
  const value = words[at] === '--root' ? words[at + 1] : words[at]?.slice('--root='.length);
  return value?.replace(/^(['"])(.*)\1$/, '$2') || undefined;
}

function lineOf(shell: CompletionShell, { value, help }: Candidate): string {
  if (shell === 'bash' || help === undefined) return value;
  // A colon separates value and description in zsh.
  return shell === 'zsh' ? `${value.replaceAll(':', '\\:')}:${help}` : `${value}\t${help}`;
}
