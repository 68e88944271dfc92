import * as z from 'zod';
import { Instant } from '../scalar/time.ts';
import { Handshake, HandshakeResult, JobProgress, StateSnapshot, UserInvokableJob } from './message.ts';

/** The one protocol version there is so far. */
export const protocolVersions: readonly number[] = [1];

/** Must come first on a connection. */
export const handshakeMethod = 'system.handshake';

const nothing = z.looseObject({}).nullish();
const subscription = z.looseObject({ subscription: z.string() });

/** Method → shapes of its params and result; push → shape of its params. The agent serves it, the Client App calls it. */
export const localContract = {
  methods: {
    'system.handshake': { params: Handshake, result: HandshakeResult },
    'system.ping': { params: nothing, result: z.looseObject({ agent_time: Instant }) },
    'system.version': {
      params: nothing,
      result: z.looseObject({ agent_version: z.string(), target_agent_version: z.string() }),
    },
    'state.snapshot': { params: nothing, result: StateSnapshot },
    'state.subscribe': { params: nothing, result: subscription },
    'state.unsubscribe': { params: subscription, result: z.null() },
    'jobs.list': {
      params: z.looseObject({ category: z.string().optional() }).nullish(),
      result: z.looseObject({ items: z.array(UserInvokableJob) }),
    },
    'jobs.execute': { params: z.looseObject({ id: z.string() }), result: z.looseObject({ run_id: z.string() }) },
    'jobs.kill': { params: z.looseObject({ run_id: z.string() }), result: z.looseObject({ requested_at: Instant }) },
    'jobs.subscribe': { params: nothing, result: subscription },
    'jobs.unsubscribe': { params: subscription, result: z.null() },
  },
  pushes: {
    'jobs.progress': JobProgress,
    'state.changed': z.looseObject({ snapshot: StateSnapshot, at: Instant }),
  },
} as const;

/** The highest version both sides know; undefined when there is none. */
export function commonProtocol(offered: readonly number[]): number | undefined {
  return protocolVersions.filter((version) => offered.includes(version)).sort((a, b) => b - a)[0];
}
