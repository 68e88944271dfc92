import { defineCommand, noWords } from '../../call/command.ts';

export const installSkills = defineCommand({
  name: 'install-skills',
  summary: 'give coding agents the instructions for this program',
  usage: '',
  options: {
    global: { kind: 'flag', help: 'below the home directory instead of the current one' },
    claude: { kind: 'flag', help: 'into .claude instead of .agents' },
  },
  examples: ['kanade install-skills', 'kanade install-skills --claude --global'],
  async run(given, words, { cwd, io, program }) {
    noWords(words);
    // Loaded on demand: it brings the texts.
    const { installSkill, nameInPath } = await import('../../local/skill-files.ts');
    const isGlobal = given.global === true;
    const home = io.env.HOME || io.env.USERPROFILE;
    return {
      type: 'install_skills',
      ...installSkill({
        program: nameInPath(program, io.env.PATH),
        under: isGlobal ? home : cwd,
        dir: given.claude ? '.claude' : '.agents',
      }),
      global: isGlobal,
    };
  },
});
