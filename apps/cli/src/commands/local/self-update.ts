import { defineCommand, noWords, UsageError } from '../../call/command.ts';

export const selfUpdate = defineCommand({
  name: 'self-update',
  summary: 'put another version in the place of this program, from a signed release',
  usage: '',
  options: {
    file: { kind: 'text', value: 'FILE', help: 'the signed release; the executable lies beside it' },
    url: { kind: 'text', value: 'URL', help: 'the same over HTTPS (HTTP from this machine itself only)' },
    check: { kind: 'flag', help: 'say what would be installed, and change nothing' },
    again: { kind: 'flag', help: 'try a version again that was put back before' },
    'release-keys': {
      kind: 'text',
      value: 'FILE',
      help: 'public keys of who signs releases (default: share/release-keys.json of this installation)',
    },
    'data-dir': {
      kind: 'text',
      value: 'DIR',
      help: 'where it is remembered what was seen: the data directory of the agent (default: as its environment and agent.toml say)',
    },
  },
  notes: [
    'Taken is only what a key that came with the installation has signed, that is not expired, not older than what was seen before and not below its floor. The executable',
    'must have the hash that was signed, and is run once before it comes in the place of this one, which is kept until an agent of the new version has proved itself.',
    'Jobs and an agent that run go on as they are; the agent is the new version when its service is restarted.',
  ],
  examples: [
    'kanade self-update --file kanade-1.4.0/release.json',
    'kanade self-update --url https://downloads.example/kanade/1.4.0/release.json --check',
  ],
  async run(options, words, context) {
    noWords(words);
    const { file, url, check = false, again = false } = options;
    if ((file === undefined) === (url === undefined)) throw new UsageError('give --file or --url');
    const { updateProgram } = await import('../../local/update-program.ts');
    return { type: 'self_update', ...(await updateProgram(context, { ...options, check, again })) };
  },
});
