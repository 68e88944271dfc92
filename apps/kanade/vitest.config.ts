import { fileURLToPath } from 'node:url';
import { configDefaults, defineConfig } from 'vitest/config';
import { suites } from '../../vitest.base.ts';
import { hostPlatform } from './build/executable.mjs';

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));

/** One black-box suite, two targets: what ships, and the same bundle on Node. */
const targets = {
  executable: [path(`dist/executable/${hostPlatform()}/kanade`)],
  // The dashes keep Node from taking `--env-file` for itself, as the shebang of the npm form does.
  'node bundle': [process.execPath, '--', path('dist/bundle/main.cjs')],
};

/**
 * What the runtime has no part in (ADR 20): words and forms of answers, what a broker carries and lets whom do, and the trust suites, whose
 * packages are tested on Node one by one. They run on the executable alone, unless `KANADE_EVERY_SUITE_TWICE` is set.
 */
const onExecutableAlone = [
  'test/answer-forms.test.ts',
  'test/break-glass.test.ts',
  'test/client-life.test.ts',
  'test/completion.test.ts',
  'test/documented-examples.test.ts',
  'test/enrolment.test.ts',
  'test/contract-{answers,list,usage}.test.ts',
  'test/fleet-{attempts,collect,history,orders,releases,scripts,settings,watch}.test.ts',
  'test/guide/*.test.ts',
  'test/for-people.test.ts',
  'test/live-settings.test.ts',
  'test/people-door.test.ts',
  'test/rollout.test.ts',
  'test/queue.test.ts',
  'test/server-config.test.ts',
  'test/serve-guard.test.ts',
  'test/mcp/{guide,hostile,http,resources,tasks}.test.ts',
  'test/signed-orders.test.ts',
  'test/packages/*.test.ts',
  'test/toasts.test.ts',
  'test/self-update.test.ts',
  'test/skill.test.ts',
  'test/support-door.test.ts',
  'test/trust/!(old-state).test.ts',
  'test/trust/conservation/*.test.ts',
];

export default defineConfig({
  test: {
    // Suites mostly wait for processes that they started: more of them at once than there are cores keeps all cores busy.
    maxWorkers: 3,
    projects: Object.entries(targets).map(([name, words]) => ({
      ...suites({
        name,
        env: { KANADE_PROGRAM: JSON.stringify(words) },
        exclude: [
          ...configDefaults.exclude,
          ...(name === 'executable' || process.env.KANADE_EVERY_SUITE_TWICE ? [] : onExecutableAlone),
        ],
      }),
      root: path('.'),
    })),
  },
});
