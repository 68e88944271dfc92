import { defineCommand, UsageError } from '../../call/command.ts';

const completionShells = ['bash', 'zsh', 'fish', 'powershell'];

export const completions = defineCommand({
  name: 'completions',
  summary: 'print the script that teaches a shell our words',
  usage: completionShells.join(' | '),
  words: completionShells,
  options: {},
  examples: ['kanade completions bash', 'kanade completions zsh'],
  async run(_options, words, { program }) {
    const [shell, extra] = words;
    if (shell === undefined || extra !== undefined || !completionShells.includes(shell))
      throw new UsageError(`give one shell: ${completionShells.join(', ')}`);
    const { registrationOf } = await import('../../call/complete.ts');
    return registrationOf(shell as 'bash', program);
  },
});
