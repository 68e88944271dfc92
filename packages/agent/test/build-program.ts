import { chmod, mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    /** The file that Node runs as the agent. */
    readonly agentProgram: string;
  }
}

const path = (relative: string): string => join(import.meta.dirname, relative);

/**
 * Makes one file of the sources of the agent, once for all suites: they start it some hundred times, and most of a start from the
 * sources is to look for three hundred files.
 */
export default async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  const dir = await mkdtemp(join(tmpdir(), 'kanade-agent-'));
  const program = join(dir, 'agent.mjs');
  const { version } = JSON.parse(await readFile(path('../package.json'), 'utf8')) as { version: string };
  await build({
    entryPoints: [path('../src/bin.ts')],
    outfile: program,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    conditions: ['@kanade/source'],
    define: { KANADE_VERSION: JSON.stringify(version) },
    external: ['koffi', 'bun:ffi'],
    // What is CommonJS in it asks for parts of Node in its own way.
    banner: {
      js: "import { createRequire as requireFor } from 'node:module';\nconst require = requireFor(import.meta.url);",
    },
    logLevel: 'warning',
  });
  await mkdir(join(dir, 'node_modules'));
  await symlink(path('../../klp/node_modules/koffi'), join(dir, 'node_modules/koffi'));
  // Other people start it, too.
  await chmod(dir, 0o755);
  provide('agentProgram', program);
  return () => rm(dir, { recursive: true, force: true });
}
