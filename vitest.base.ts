import { fileURLToPath } from 'node:url';
import { defineProject, type UserWorkspaceConfig } from 'vitest/config';

/** Tests start hundreds of programs from their sources: those that Node has once made ready are kept, with us and not for longer. */
const compileCache = fileURLToPath(new URL('node_modules/.cache/compiled-sources', import.meta.url));

/** The test configuration that every package shares: workspace packages resolve to their sources, no build is needed. */
export function project(test: NonNullable<UserWorkspaceConfig['test']> = {}): UserWorkspaceConfig {
  return defineProject({
    ssr: { resolve: { conditions: ['@kanade/source', 'node', 'import', 'module', 'default'] } },
    test: {
      include: ['src/**/*.test.{ts,tsx}', 'test/**/*.test.ts'],
      // More than a condition may take (see testkit), so that a test fails with the words of what it waited for.
      testTimeout: 240_000,
      hookTimeout: 240_000,
      env: { NODE_COMPILE_CACHE: compileCache },
      ...test,
    },
  });
}
