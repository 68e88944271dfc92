/**
 * The words that start this program again: the compiled executable is its own runtime, a script needs its runtime and
 * that runtime's options. Nothing else re-executes us.
 */
export function selfCommand(): string[] {
  const script = process.argv[1] ?? '';
  const compiled = script.startsWith('/$bunfs/') || script.startsWith('B:/~BUN/') || script.startsWith('B:\\~BUN\\');
  return compiled ? [process.execPath] : [process.execPath, ...process.execArgv, script];
}
