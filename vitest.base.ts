import { fileURLToPath } from 'node:url';
import { defineConfig, defineProject, type UserWorkspaceConfig, type ViteUserConfig } from 'vitest/config';

/** Tests start hundreds of programs from their sources: those that Node has once made ready are kept, with us and not for longer. */
const compileCache = fileURLToPath(new URL('node_modules/.cache/compiled-sources', import.meta.url));

const [pure, onRealParts] = ['src/**/*.test.{ts,tsx}', 'test/**/*.test.ts'];

/** The test configuration that every package shares: workspace packages resolve to their sources, no build is needed. */
export function suites(test: NonNullable<UserWorkspaceConfig['test']> = {}): UserWorkspaceConfig {
  return defineProject({
    ssr: { resolve: { conditions: ['@kanade/source', 'node', 'import', 'module', 'default'] } },
    test: {
      include: [pure, onRealParts],
      // More than a condition may take (see testkit), so that a test fails with the words of what it waited for.
      testTimeout: 240_000,
      hookTimeout: 240_000,
      env: { NODE_COMPILE_CACHE: compileCache },
      ...test,
    },
  });
}

/**
 * The same, with a process of its own for each file of `test/` alone. What stands beside its source is pure and leaves nothing behind: all of
 * it runs in one process, which takes a second where one for each file takes ten. `real` is for `test/`.
 */
export function project(
  real: NonNullable<UserWorkspaceConfig['test']> = {},
  { maxWorkers }: { readonly maxWorkers?: number } = {},
): ViteUserConfig {
  return defineConfig({
    test: {
      ...(maxWorkers ? { maxWorkers } : {}),
      projects: [
        suites({ name: 'pure', include: [pure], isolate: false }),
        suites({ ...real, name: 'real', include: [onRealParts] }),
      ],
    },
  });
}
