import type { Command, Shell } from '@kanade/shared/fleet';
import type { Refusal } from '../intake/gates.ts';
import { limits } from '../limits.ts';

/** A file that must exist, with this content, before the command is started. `name` is relative to the run's own directory. */
export interface StagedFile {
  readonly name: string;
  readonly text: string;
}

export interface LaunchPlan {
  readonly argv: readonly string[];
  readonly staged: readonly StagedFile[];
}

export interface Machine {
  readonly platform: NodeJS.Platform;
  /** Path of a program in PATH, or undefined. */
  readonly find: (name: string) => string | undefined;
  /** The directory that staged files of this run go to. */
  readonly stagingDir: string;
}

const windowsOnly: readonly Shell[] = ['powershell', 'cmd'];
const byteOrderMark = '\ufeff';

/** How a command is started on this machine, or why it cannot be. Starts nothing and writes nothing. */
export function planLaunch(command: Command, machine: Machine): LaunchPlan | Refusal {
  const { shell, script } = command;
  if (windowsOnly.includes(shell) && machine.platform !== 'win32') {
    return unsupported(`${shell} exists on Windows only, this is ${machine.platform}`);
  }
  const program = machine.find(shell);
  if (program === undefined) return unsupported(`${shell} is not installed (looked in PATH); install it and try again`);
  if (shell === 'cmd') return { argv: [program, '/C', script], staged: [] };
  if (shell === 'pwsh' || shell === 'powershell') return planPowerShell(program, command, machine);
  if (Buffer.byteLength(script) <= limits.argumentBytesMax) return { argv: [program, '-c', script], staged: [] };
  return {
    argv: [program, join(machine, 'script.sh')],
    staged: [{ name: 'script.sh', text: script }],
  };
}

/**
 * The body stays as it is, so that `param` may come first; the launcher sets the encodings and hands on the exit code.
 * A stale code of a failing command that the script handled must not count, hence the success flag.
 */
function planPowerShell(program: string, { shell, script }: Command, machine: Machine): LaunchPlan {
  const policy = machine.platform === 'win32' || shell === 'powershell' ? ['-ExecutionPolicy', 'Bypass'] : [];
  const body = join(machine, 'script.ps1');
  const launcher = [
    '$OutputEncoding = [Console]::OutputEncoding = New-Object System.Text.UTF8Encoding $false',
    '$global:LASTEXITCODE = 0',
    `& '${body.replaceAll("'", "''")}' @args`,
    'if (-not $?) { exit $global:LASTEXITCODE }',
    '',
  ].join('\n');
  return {
    argv: [program, '-NoProfile', '-NonInteractive', ...policy, '-File', join(machine, 'launcher.ps1')],
    staged: [
      { name: 'script.ps1', text: `${byteOrderMark}${script}` },
      { name: 'launcher.ps1', text: `${byteOrderMark}${launcher}` },
    ],
  };
}

const join = ({ stagingDir, platform }: Machine, name: string): string =>
  `${stagingDir}${platform === 'win32' ? '\\' : '/'}${name}`;

function unsupported(why: string): Refusal {
  return { gate: 'unsupported', message: `cannot run on this machine: ${why}` };
}
