/** Scripts for plannedShells: the words that run one, and the files that have to be there first. Starts and writes nothing. */

export const plannedShells = ['sh', 'bash', 'pwsh', 'powershell', 'cmd'] as const;
export type PlannedShell = (typeof plannedShells)[number];

/** A file that must exist, with this content, before the script is started. `name` is relative to the staging directory. */
export interface StagedFile {
  readonly name: string;
  readonly text: string;
}

/** How a script is started, or why it cannot be. What a script says stands in no argument that everybody can read. */
export type ShellPlan =
  | {
      readonly kind: 'planned';
      readonly argv: readonly string[];
      /** `KEY=VALUE` that the script is started with. */
      readonly env: readonly string[];
      readonly staged: readonly StagedFile[];
    }
  | { readonly kind: 'unsupported'; readonly reason: string };

/** A script in the language of a shell. */
export interface Script {
  readonly shell: PlannedShell;
  readonly text: string;
}

export interface Machine {
  readonly platform: NodeJS.Platform;
  /** Path of a program in PATH, or undefined. */
  readonly find: (name: string) => string | undefined;
  /** The directory that staged files go to, absolute, for this one run alone. */
  readonly stagingDir: string;
}

const windowsOnly: readonly PlannedShell[] = ['powershell', 'cmd'];
const byteOrderMark = '\ufeff';

/** Bytes of a script that go into a variable (Linux takes 131,072 in one); a longer one is staged. */
const variableBytesMax = 100_000;

/** Carries the script to its shell. A process's environment is for its own user to read. */
const scriptVariable = 'KANADE_SCRIPT';
/** The variable is taken away before the first command of the script, which runs as if it stood behind `-c`. */
const evalScript = `eval "unset ${scriptVariable};$${scriptVariable}"`;

/** The words and files for a script (fleet reference, section 4.2). */
export function planShell(script: Script, machine: Machine): ShellPlan {
  const { shell, text } = script;
  if (windowsOnly.includes(shell) && machine.platform !== 'win32')
    return { kind: 'unsupported', reason: `${shell} exists on Windows only, this is ${machine.platform}` };
  const program = machine.find(shell);
  if (program === undefined)
    return { kind: 'unsupported', reason: `${shell} is not installed (looked in PATH); install it and try again` };
  // On Windows a command line is for its own user to read, as an environment is elsewhere.
  if (shell === 'cmd') return { kind: 'planned', argv: [program, '/C', text], env: [], staged: [] };
  if (shell === 'pwsh' || shell === 'powershell') return planPowerShell(program, script, machine);
  if (Buffer.byteLength(text) <= variableBytesMax)
    return { kind: 'planned', argv: [program, '-c', evalScript], env: [`${scriptVariable}=${text}`], staged: [] };
  const argv = [program, join(machine, 'script.sh')];
  return { kind: 'planned', argv, env: [], staged: [{ name: 'script.sh', text }] };
}

/**
 * The body stays as it is, so that `param` may come first; the launcher sets the encodings and hands on the exit code.
 * A stale code of a failing command that the script handled must not count, hence the success flag.
 */
function planPowerShell(program: string, { shell, text }: Script, machine: Machine): ShellPlan {
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
    kind: 'planned',
    argv: [program, '-NoProfile', '-NonInteractive', ...policy, '-File', join(machine, 'launcher.ps1')],
    env: [],
    staged: [
      { name: 'script.ps1', text: `${byteOrderMark}${text}` },
      { name: 'launcher.ps1', text: `${byteOrderMark}${launcher}` },
    ],
  };
}

const join = ({ stagingDir, platform }: Machine, name: string): string =>
  `${stagingDir}${platform === 'win32' ? '\\' : '/'}${name}`;
