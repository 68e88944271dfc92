/** The words that start this Client App again, whatever the directory: program, script, and the word by which the product knows what is meant. */
export function ownWords(
  args: readonly string[],
  {
    execPath,
    argv,
    isCompiled,
  }: { readonly execPath: string; readonly argv: readonly string[]; readonly isCompiled: boolean },
): readonly string[] {
  // The executable is called by its own name here, never by that of a link to it.
  if (isCompiled) return [execPath, 'client'];
  return [execPath, ...argv.slice(1, argv.length - args.length)];
}
