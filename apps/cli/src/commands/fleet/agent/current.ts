import type { Heartbeat } from '@kanade/shared/fleet';
import { defineCommand, noWords } from '../../../call/command.ts';
import { secondsOption, withFleet } from '../connect.ts';

export const agentCurrent = defineCommand({
  name: 'agent current',
  summary: 'show which machine runs which version, which one is wanted there, and what is in the way',
  usage: '',
  waits: true,
  options: {
    listen: { kind: 'count', value: 'SECONDS', help: 'how long to listen (default: 35; agents speak every 30 s)' },
  },
  notes: ['Only machines that are online are heard; those that are away take the wanted version when they come back.'],
  examples: ['kanade fleet agent current', 'kanade fleet agent current --listen 5'],
  async run(options, words, context) {
    noWords(words);
    const asked = secondsOption('listen', options.listen);
    const { io, onWaiting } = context;
    const { signal } = io;
    return withFleet(context, async ({ fleet, agentsOnline, listenMsDefault, listReleases, readTargets }) => {
      const listenMs = asked ?? listenMsDefault;
      const [releases, targets] = await Promise.all([listReleases(fleet, { signal }), readTargets(fleet, { signal })]);
      let heard = 0;
      io.stderr(`listening for ${listenMs / 1000} s\n`);
      onWaiting?.({ what: `heartbeats, ${listenMs / 1000} s`, how: () => `${heard} machines` });
      const online = await agentsOnline(fleet, { listenMs, onAgent: () => heard++, signal });
      const agents = online.agents.map(standingOf);
      const behind = agents.filter(({ standing }) => standing === 'behind' || standing === 'stuck').length;
      return {
        ...{ type: 'fleet.agent.current', listened_ms: listenMs, behind, agents },
        releases: releases.map(({ version, storedAt, platforms }) => ({
          version,
          platforms,
          ...(storedAt === undefined ? {} : { stored_at: storedAt }),
        })),
        wanted: targets.map(({ key, version, jitter }) => ({
          scope: key,
          target_version: version,
          ...(jitter === undefined ? {} : { target_version_jitter: jitter }),
        })),
      };
    });
  },
});

/** States of an update that nothing but a change ends. */
const stuckIn: readonly string[] = ['refused', 'failed', 'quarantined', 'unable'];

/**
 * How one machine stands: `current`, what is wanted is there or nothing is; `behind`, on its way; `stuck`, something is in its way;
 * `unknown`, its agent is too old to say.
 */
function standingOf({ pc_id, agent_version, target_version: target, update, quarantined_versions }: Heartbeat) {
  const isThere = target === '' || target === agent_version;
  const standing =
    target === undefined ? 'unknown' : isThere ? 'current' : stuckIn.includes(update?.state ?? '') ? 'stuck' : 'behind';
  return {
    pc_id,
    agent_version,
    ...(target === undefined ? {} : { target_version: target }),
    standing,
    ...(update && !isThere ? { update } : {}),
    ...(quarantined_versions === undefined ? {} : { quarantined_versions }),
  };
}
