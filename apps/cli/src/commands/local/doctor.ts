import { calledAs, defineCommand, noWords } from '../../call/command.ts';
import { jobsOf } from '../../local/observation.ts';

export const doctor = defineCommand({
  name: 'doctor',
  summary: 'check the installation, and say how to mend what is wrong',
  usage: '',
  options: {},
  examples: ['kanade doctor', 'kanade doctor --human'],
  async run(_options, words, context) {
    const { root, program } = context;
    noWords(words);
    // Loaded on demand: it looks at more than any other command.
    const { examine } = await import('../../local/examine.ts');
    const findings = examine(jobsOf(context)).map(({ fix, ...found }) =>
      fix ? { ...found, fix: calledAs(program, fix) } : found,
    );
    return { type: 'doctor', root, healthy: findings.every(({ ok }) => ok), findings };
  },
});
