import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { clientLimits, errorTable, serverLimits } from '../src/index.ts';
import { socketLimits } from '../src/socket.ts';
import { bunPath } from './bun-path.ts';

const root = join(import.meta.dirname, '..');
const readme = readFileSync(join(root, 'README.md'), 'utf8');
// The formatter pads the cells of tables.
const protocol = readFileSync(join(root, 'PROTOCOL.md'), 'utf8').replace(/ +/g, ' ');

function firstBlock(language: string): string {
  const block = new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\`$`, 'ms').exec(readme)?.[1];
  if (block === undefined) throw new Error(`README.md has no ${language} block`);
  return block;
}

describe('README.md', () => {
  it.each([
    ['node', process.execPath, ['--input-type=module-typescript']],
    ['bun', bunPath(), []],
  ])('has an example that prints what it says, on %s', async (_runtime, program, language) => {
    const args = ['--conditions=@kanade/source', ...language, '--eval', firstBlock('ts')];
    const { stdout } = await promisify(execFile)(program, args, { cwd: root });
    expect(stdout).toBe(firstBlock('text'));
  });

  it.each(Object.keys({ ...serverLimits, ...clientLimits, ...socketLimits }))('names the limit %s', (limit) => {
    expect(readme).toContain(`\`${limit}\``);
  });
});

describe('PROTOCOL.md', () => {
  it.each(Object.entries(errorTable))('has the row of %s', (kind, { code, message }) => {
    expect(protocol).toContain(`| ${kind} | ${code} | ${message} |`);
  });
});
