import { describe, expect, it } from 'vitest';
import { type Machine, type PlannedShell, planShell } from './plan-shell.ts';

const linux: Machine = { platform: 'linux', find: (name) => `/bin/${name}`, stagingDir: "/d/it's" };
const windows: Machine = { platform: 'win32', find: (name) => `C:\\${name}.exe`, stagingDir: 'C:\\d' };
const command = (shell: PlannedShell, text = 'do it') => ({ shell, text });

describe('planShell()', () => {
  it.each([
    ['sh', linux, ['/bin/sh', '-c', 'eval "unset KANADE_SCRIPT;$KANADE_SCRIPT"']],
    ['bash', linux, ['/bin/bash', '-c', 'eval "unset KANADE_SCRIPT;$KANADE_SCRIPT"']],
    ['cmd', windows, ['C:\\cmd.exe', '/C', 'do it']],
    ['pwsh', linux, ['/bin/pwsh', '-NoProfile', '-NonInteractive', '-File', "/d/it's/launcher.ps1"]],
    [
      'pwsh',
      windows,
      ['C:\\pwsh.exe', '-NoProfile', '-NonInteractive', '-ExecutionPolicy', 'Bypass', '-File', 'C:\\d\\launcher.ps1'],
    ],
    [
      'powershell',
      windows,
      [
        'C:\\powershell.exe',
        '-NoProfile',
        '-NonInteractive',
        '-ExecutionPolicy',
        'Bypass',
        '-File',
        'C:\\d\\launcher.ps1',
      ],
    ],
  ] as const)('starts %s with its words', (shell, machine, argv) => {
    expect(planShell(command(shell), machine)).toMatchObject({ argv });
  });

  it('stages the body of PowerShell as it is, and a launcher that hands on its exit code', () => {
    const plan = planShell(command('pwsh', 'param($x)\nexit 3'), linux);
    expect(plan).toMatchObject({
      staged: [
        { name: 'script.ps1', text: '\ufeffparam($x)\nexit 3' },
        {
          name: 'launcher.ps1',
          text: expect.stringContaining("& '/d/it''s/script.ps1' @args\nif (-not $?) { exit $global:LASTEXITCODE }"),
        },
      ],
    });
  });

  it('gives a shell its script where others cannot read it', () => {
    expect(planShell(command('sh', 'echo $1'), linux)).toMatchObject({ env: ['KANADE_SCRIPT=echo $1'], staged: [] });
  });

  it('stages a script that is longer than a variable may be', () => {
    const script = 'x'.repeat(100_001);
    expect(planShell(command('bash', script), linux)).toEqual({
      kind: 'planned',
      argv: ['/bin/bash', "/d/it's/script.sh"],
      env: [],
      staged: [{ name: 'script.sh', text: script }],
    });
  });

  it.each([
    ['powershell', linux, /powershell exists on Windows only, this is linux/],
    ['cmd', linux, /cmd exists on Windows only/],
    ['pwsh', { ...linux, find: () => undefined }, /^pwsh is not installed \(looked in PATH\)/],
    ['sh', { ...windows, find: () => undefined }, /sh is not installed/],
  ] as const)('says why %s cannot be started', (shell, machine, message) => {
    expect(planShell(command(shell), machine)).toMatchObject({
      kind: 'unsupported',
      reason: expect.stringMatching(message),
    });
  });
});
