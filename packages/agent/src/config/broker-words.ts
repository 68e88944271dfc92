import { type BrokerAccess, readBrokerAccess } from '@kanade/fleet/connection';
import { AgentError } from '../agent-error.ts';
import type { BrokerWords } from './config.ts';
import type { Surroundings } from './surroundings.ts';

/** How the broker is reached; undefined when nobody names one. Throws AgentError `connection_unusable`, which repeats no secret. */
export function brokerAccessOf(
  words: BrokerWords,
  around: Surroundings,
  env: Readonly<Record<string, string | undefined>>,
): BrokerAccess | undefined {
  try {
    const access = readBrokerAccess({ role: 'agent', env, ...words, ...around });
    return access.servers.length === 0 ? undefined : access;
  } catch (error) {
    throw new AgentError('connection_unusable', (error as Error).message, { cause: error });
  }
}
