import { expect, it } from 'vitest';
import { checkFiles, sourceFiles } from '../lint-invariants.mjs';

it('the tree keeps every arrow and invariant', () => {
  expect(sourceFiles().length).toBeGreaterThan(50);
  expect(checkFiles(sourceFiles())).toEqual([]);
});

it.each([
  ['packages/klp/src/x.ts', "import { Command } from '@kanade/shared/fleet';", 'may not import @kanade/shared/fleet'],
  ['packages/outbox/src/x.ts', "import * as z from 'zod';", 'may not import zod'],
  ['packages/shared/src/fleet/x.ts', "import { readFileSync } from 'node:fs';", 'I1 no node builtin in shared'],
  ['packages/agent/src/run/x.ts', "import { connect } from '@nats-io/transport-node';", 'I1 @nats-io only in fleet'],
  ['packages/agent/src/run/x.ts', "import { exec } from '@kanade/fleet';", 'may not import @kanade/fleet'],
  ['apps/cli/src/x.ts', "const agent = await import('@kanade/agent');", 'may not import @kanade/agent'],
  ['apps/client-app/src/x.ts', "import { launchJob } from '@kanade/runner';", 'may not import @kanade/runner'],
  ['packages/agent/src/run/x.ts', "import { spawn } from 'node:child_process';", 'I2 one place spawns'],
  ['packages/runner/src/job/x.ts', "process.kill(pid, 'SIGTERM');", 'I2 one place signals'],
  ['apps/cli/src/x.ts', "process.stdout.write('x');", 'I6 one writer of stdout'],
  ['packages/klp/src/x.ts', 'const path = process.env.HOME;', 'I8 libraries read no environment'],
])('%s with %j is a violation', (path, text, expected) => {
  expect(checkFiles([{ path, text }]).join('\n')).toContain(expected);
});

it('words in comments are no violation', () => {
  expect(checkFiles([{ path: 'packages/klp/src/x.ts', text: '// process.env is not read here\n' }])).toEqual([]);
});
