import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runReadmeExample } from '@kanade/testkit';
import { describe, expect, it } from 'vitest';
import { cancelMethod, clientLimits, droppedMethod, errorTable, serverLimits, userLimits } from '../src/index.ts';
import { socketLimits } from '../src/socket.ts';

const root = join(import.meta.dirname, '..');
const readme = readFileSync(join(root, 'README.md'), 'utf8');
// The formatter pads the cells of tables.
const protocol = readFileSync(join(root, 'PROTOCOL.md'), 'utf8').replace(/ +/g, ' ');

describe('README.md', () => {
  it.each(['node', 'bun'] as const)('has an example that prints what it says, on %s', async (runtime) => {
    const { printed, promised } = await runReadmeExample(root, { runtime });
    expect(printed).toBe(promised);
  });

  it.each(Object.keys({ ...serverLimits, ...clientLimits, ...userLimits, ...socketLimits }))(
    'names the limit %s',
    (limit) => {
      expect(readme).toContain(`\`${limit}\``);
    },
  );
});

describe('PROTOCOL.md', () => {
  it.each(Object.entries(errorTable))('has the row of %s', (kind, { code, message }) => {
    expect(protocol).toContain(`| ${kind} | ${code} | ${message} |`);
  });

  it.each([cancelMethod, droppedMethod])('describes %s', (method) => {
    expect(protocol).toContain(`| \`${method}\` |`);
  });
});
