import { expect, it } from 'vitest';
import type { AgentConnection } from '../../wire/page-event.ts';
import { type PageAction, type PageState, reducePage, startState } from './page-state.ts';

const connected: AgentConnection = {
  phase: 'connected',
  agent: { version: '1', pcId: 'desk-042', user: 'yuki' },
};
const away: AgentConnection = { phase: 'away', detail: 'nobody there' };
const open: PageState = { ...startState, server: 'open', connection: connected };
const lost: PageState = { ...open, connection: away };

const failed = (code: string): PageAction => ({ type: 'failure', failure: { code, message: code } });
const tell = (connection: AgentConnection): PageAction => ({
  type: 'event',
  event: { type: 'connection', connection: { ...connection } },
});

it.each([
  ['a job that was not found', open, [failed('not_found')], 'not_found'],
  ['that, when the agent goes and comes', open, [failed('not_found'), tell(away), tell(connected)], 'not_found'],
  ['an agent that the page does not know to be away yet', open, [failed('away')], 'away'],
  ['that, once the page shows it', open, [failed('away'), tell(away)], undefined],
  ['an agent that the page shows to be away', lost, [failed('away')], undefined],
  ['that, when it is back', open, [failed('away'), tell(connected)], undefined],
  ['a server that the page shows to be gone', { ...open, server: 'gone' }, [failed('gone')], undefined],
  ['that, when it is back', { ...open, server: 'starting' }, [failed('gone'), tell(connected)], undefined],
] as [string, PageState, PageAction[], string | undefined][])(
  'reducePage() keeps or drops the failure of %s',
  (_name, state, actions, code) => {
    expect(actions.reduce(reducePage, state).failure?.code).toBe(code);
  },
);
