/** `kanade release-key …`: keys that releases are signed with. Made and kept where releases are made, away from the fleet. */
import type { Door } from '../../call/command.ts';
import { releaseKeyCreate } from './create.ts';
import { releaseKeyShow } from './show.ts';
import { releaseKeySign } from './sign.ts';

export const releaseKeyDoor: Door = {
  name: 'release-key',
  summary: 'makes keys that releases are signed with, and signs a release anew',
  options: {
    'keys-dir': {
      kind: 'text',
      value: 'DIR',
      help: 'where the private halves are (default: KANADE_RELEASE_KEYS_DIR, else kanade/release-keys of your configuration directory)',
    },
  },
  commands: [releaseKeyCreate, releaseKeyShow, releaseKeySign],
  aliases: {},
  notes: [
    'Who holds such a key can put a program on every machine that trusts it: keep it on a machine without a network, or on a stick. Make two, let installations',
    'trust both, and keep the second one elsewhere: it revokes the first one when that is lost.',
  ],
  speaksToPeople: true,
  about: () => 'release keys',
};
