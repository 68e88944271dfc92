import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { project } from '../../vitest.base.ts';
import { hostPlatform } from './build/executable.mjs';

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));

/** One black-box suite, two targets: what ships, and the same bundle on Node. */
const targets = {
  executable: [path(`dist/executable/${hostPlatform()}/kanade`)],
  // The dashes keep Node from taking `--env-file` for itself, as the shebang of the npm form does.
  'node bundle': [process.execPath, '--', path('dist/bundle/main.cjs')],
};

export default defineConfig({
  test: {
    projects: Object.entries(targets).map(([name, words]) => ({
      ...project({ name, env: { KANADE_PROGRAM: JSON.stringify(words) } }),
      root: path('.'),
    })),
  },
});
