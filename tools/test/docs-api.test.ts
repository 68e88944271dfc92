import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { tempDir } from '@kanade/testkit';
import { expect, it, onTestFinished } from 'vitest';
import { readReport } from '../api/report.mjs';
import { writeApiPages } from '../docs-api.mjs';
import { libraries } from '../libraries.mjs';

it('every public name of a library has its place and its prose in the documentation', async () => {
  const library = libraries.find(({ name }) => name === '@kanade/durable');
  const out = await tempDir();
  onTestFinished(() => out[Symbol.asyncDispose]());
  await writeApiPages(library, out.path);
  const pages = globSync('**/*.md', { cwd: out.path }).map((file) => readFileSync(join(out.path, file), 'utf8'));
  for (const file of globSync('api/*.api.md', { cwd: library.directory })) {
    const report = readFileSync(join(library.directory, file), 'utf8');
    const [, title] = /^# `(.*)`$/m.exec(report) ?? [];
    // The list of the entries bears the name of the first of them, too.
    const page = pages.filter((text) => text.startsWith(`# ${title}\n`)).join('\n');
    const names = [...readReport(report).keys()].filter((name) => !name.startsWith(' '));
    const headings = new Set([...page.matchAll(/^### (?:abstract )?(\w+)/gm)].map(([, name]) => name));
    expect(names.filter((name) => !headings.has(name))).toEqual([]);
  }
  expect(pages.join()).toContain('Takes the exclusive lock that a file stands for');
});
