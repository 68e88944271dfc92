import { describe, expect, it } from 'vitest';
import { agentVersion } from './version.ts';

describe('agentVersion()', () => {
  it('is the version of this package', () => {
    expect(agentVersion()).toMatch(/^\d+\.\d+\.\d+/);
  });
});
