import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const src = fileURLToPath(new URL('../src/', import.meta.url));
const files = readdirSync(src, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
  .map((name) => ({ name, text: readFileSync(join(src, name), 'utf8') }));

describe('the sources of the agent', () => {
  it('never publish on kill.*: that right would let one machine stop any run of the fleet', () => {
    const kills = files.filter(({ text }) => /killSubject|publish\([^)]*kill/.test(text));
    expect(kills.map(({ name }) => name)).toEqual([]);
  });

  it('speak to NATS in one folder only', () => {
    const users = files.filter(({ name, text }) => text.includes("'@nats-io/") && !name.startsWith('fleet/'));
    expect(users.map(({ name }) => name)).toEqual([]);
    expect(files.length).toBeGreaterThan(25);
  });
});
