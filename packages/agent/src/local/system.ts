import { KlpError } from '@kanade/klp';
import { commonProtocol, type LocalErrorKind, type LocalFeature, protocolVersions } from '@kanade/shared/local';
import type { LiveSettings } from '../machine/settings.ts';
import type { createLogTail } from './log-tail.ts';
import type { LocalHandlers } from './session.ts';
import type { MachineState } from './state.ts';

/** What the handshake offers: each of these stands only while all its methods are served. */
const features: LocalFeature[] = ['push.notifications', 'push.jobs', 'push.state', 'support.diagnostics'];

export interface SystemOptions {
  readonly pcId: string;
  readonly version: string;
  readonly settings: Pick<LiveSettings, 'current'>;
  readonly logTail: ReturnType<typeof createLogTail>;
  readonly state: Pick<MachineState, 'snapshot'>;
}

/** The agent about itself. */
export function systemHandlers({ pcId, version, settings, logTail, state }: SystemOptions) {
  return {
    'system.handshake': ({ protocol }, { peer }) => {
      const common = commonProtocol(protocol);
      if (common === undefined) {
        throw new KlpError(
          'StaleProtocol' satisfies LocalErrorKind,
          `offered ${protocol.join(', ')}, this agent speaks ${protocolVersions.join(', ')}`,
        );
      }
      const session = { user: peer.user, session_id: peer.uid, pc_id: pcId };
      const { displayName } = settings.current;
      const named = displayName === undefined ? {} : { client_display_name: displayName };
      return { protocol: common, agent_version: version, features, session, ...named };
    },
    'system.ping': () => ({ agent_time: new Date().toISOString() }),
    'system.version': () => ({ agent_version: version, target_agent_version: state.snapshot().target_version }),
    'system.log_tail': (params, { peer }) => logTail(peer, params?.lines),
  } satisfies Partial<LocalHandlers>;
}
