import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { strictManifest } from '@kanade/shared/manifest';
import { expect, it } from 'vitest';
import { parse } from 'yaml';

const dir = fileURLToPath(new URL('../../../examples/jobs/', import.meta.url));
const files = readdirSync(dir).filter((name) => name.endsWith('.yaml'));

it('there are jobs for Linux and for Windows', () => {
  expect(files.length).toBeGreaterThanOrEqual(10);
});

it.each(files)('%s is a valid manifest that names its schema', (name) => {
  const text = readFileSync(`${dir}${name}`, 'utf8');
  expect(text).toMatch(
    /^# yaml-language-server: \$schema=\.\.\/\.\.\/packages\/shared\/schema\/manifest\.schema\.json\n/,
  );
  const result = strictManifest(parse(text));
  expect(result).toMatchObject({ ok: true, manifest: { id: name.slice(0, -'.yaml'.length) } });
});
