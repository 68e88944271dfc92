import { type BrokerAccess, readBrokerAccess } from '@kanade/fleet/connection';
import { AgentError } from '../agent-error.ts';
import type { AgentConfig, BrokerWords } from './config.ts';
import type { AllSettled } from './settle.ts';
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

/**
 * What comes with how the broker is reached: the name that a machine was enrolled by, unless it is told of one, and the key ring, unless it
 * is told of another. Throws AgentError for a name that its credentials are not for: the broker would refuse whatever it said.
 */
export function configOfEnrolled(
  config: AgentConfig,
  settled: AllSettled,
  access: BrokerAccess | undefined,
): AgentConfig {
  if (access === undefined) return config;
  const { enrolledAs, commandKeys } = access;
  const { from } = settled['agent.id'];
  if (enrolledAs !== undefined && enrolledAs !== config.pcId && from.kind !== 'default')
    throw new AgentError(
      'connection_unusable',
      `this machine was enrolled as ${enrolledAs} and is told to be ${config.pcId}: leave agent.id out, or enrol it by that name`,
    );
  const ring = config.commandKeys ?? commandKeys;
  return {
    ...config,
    access,
    ...(enrolledAs === undefined ? {} : { pcId: enrolledAs }),
    ...(ring === undefined ? {} : { commandKeys: ring }),
  };
}
