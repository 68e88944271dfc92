import type { FreezeStatus } from '@kanade/fleet/settings';
import type { ConfigAddress } from '@kanade/shared/fleet-words';
import { Failure } from '../../../answer/answer.ts';
import { defineCommand, oneWord, UsageError } from '../../../call/command.ts';
import { withFleet } from '../connect.ts';
import {
  publishedBeside,
  refusalsOf,
  releaseKeysOption,
  releaseKeysPath,
  toldRefusals,
  trustedManifest,
} from './trusted.ts';

export const agentRollout = defineCommand({
  name: 'agent rollout',
  summary: 'say which published version the agents of the fleet, of a group or of a machine are to run',
  usage: 'VERSION',
  options: {
    global: { kind: 'flag', help: 'every machine for which no group and no setting of its own says otherwise' },
    group: { kind: 'text', value: 'NAME', help: 'the machines of a group' },
    pc: { kind: 'text', value: 'ID', help: 'one machine' },
    jitter: {
      kind: 'text',
      value: 'DURATION',
      help: 'over which time they spread, such as 0s or 2h (default: as it is set there, else 10m)',
    },
    'despite-freeze': { kind: 'flag', help: 'also while the fleet is frozen' },
    ...releaseKeysOption,
  },
  notes: [
    'Each machine fetches the release, verifies it with the keys that came with its own installation, tries it, and takes the place of its agent; running jobs go on. A version that does not become healthy is rolled back and not fetched again there.',
    'Machines that have accepted a newer release refuse an older one until that is signed anew; where a published release says so, the answer does (refused_by).',
    'While the fleet is frozen (kanade fleet freeze) no rollout begins; machines that were told before go on.',
    'It is taken back with "kanade fleet config unset target_version", with --group or --pc where it was said there: who has not begun stays as it is.',
  ],
  examples: [
    'kanade fleet agent rollout 1.4.0 --pc pc-042 --jitter 0s',
    'kanade fleet agent rollout 1.4.0 --group canary',
    'kanade fleet agent rollout 1.4.0 --global --jitter 2h',
  ],
  async run(options, words, context) {
    const version = oneWord(words, 'VERSION');
    const address = addressOf(options);
    const { jitter } = options;
    const { io } = context;
    const { signal } = io;
    const keysPath = releaseKeysPath(context, options['release-keys']);
    return withFleet(context, async ({ fleet, listReleases, readRelease, readFreeze, setTarget, audit }) => {
      if (options['despite-freeze'] !== true) refuseFrozen(await readFreeze(fleet, { nowMs: Date.now(), signal }));
      const signed = await readRelease(fleet, version, { signal });
      const [library, judged] = [await import('./library.ts'), { keysPath, nowMs: Date.now() }];
      const { expires_at } = trustedManifest(library, signed, { ...judged, version, server: fleet.serverVersion });
      const published = publishedBeside(version, { fleet, listReleases, readRelease, signal });
      const refusals = await refusalsOf(library, signed, { ...judged, published });
      const { key, before } = await setTarget(fleet, address, { version, jitter, signal });
      const change = { version, ...(jitter === undefined ? {} : { jitter }), ...(before ? { before } : {}) };
      const noted = await audit({ action: 'agent.rollout', about: key, details: change });
      return {
        type: 'fleet.agent.rollout',
        scope: key,
        ...change,
        expires_at,
        ...toldRefusals(refusals, io),
        ...noted,
      };
    });
  },
});

/** Throws {@link Failure} `fleet_frozen`. */
function refuseFrozen({ frozen, state, until }: FreezeStatus): void {
  if (!frozen) return;
  const known = state === 'unreadable' ? ': what is set as a freeze cannot be read' : until ? ` until ${until}` : '';
  const message = `the fleet is frozen${known}, and no rollout begins: "kanade fleet freeze clear" ends that, --despite-freeze goes round it`;
  throw new Failure('fleet_frozen', message, { details: { state, ...(until === undefined ? {} : { until }) } });
}

/** Whom it is for, said in so many words: nobody rolls out to everybody by leaving something out. Throws {@link UsageError}. */
function addressOf({ global = false, group, pc }: { global?: boolean; group?: string; pc?: string }): ConfigAddress {
  const said = [global, group !== undefined, pc !== undefined].filter(Boolean).length;
  if (said !== 1) throw new UsageError('whom it is for is said by one of --global, --group NAME and --pc ID');
  if (pc !== undefined) return { kind: 'pc', pc };
  return group === undefined ? { kind: 'global' } : { kind: 'group', group };
}
