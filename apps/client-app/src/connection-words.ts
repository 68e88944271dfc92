import type { AgentConnection } from './wire/page-event.ts';

/** What the log says about the line to the agent. */
export function connectionWords(connection: AgentConnection): string | undefined {
  switch (connection.phase) {
    case 'connected': {
      const { version, pcId, user } = connection.agent;
      return `connected to agent ${version} on ${pcId} as ${user}`;
    }
    case 'away':
      return `no agent: ${connection.detail}`;
    case 'refused':
      return `the agent refused this user: ${connection.detail}`;
    case 'connecting':
    case 'closed':
      return undefined;
  }
}
