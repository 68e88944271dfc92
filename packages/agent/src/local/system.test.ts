import { expect, it } from 'vitest';
import { systemHandlers } from './system.ts';

it('system.version tells the version that the agent is about to become', () => {
  const snapshot = () => ({ pc_id: 'pc-1', online: true, checks: [], agent_version: '1', target_version: '2' });
  const handlers = systemHandlers({
    ...{ pcId: 'pc-1', version: '1', state: { snapshot } },
    ...{ settings: { current: {} as never }, logTail: async () => ({ lines: [] }) },
  });
  expect(handlers['system.version']()).toEqual({ agent_version: '1', target_agent_version: '2' });
});
