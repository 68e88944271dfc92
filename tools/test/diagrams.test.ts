/** The pictures in docs/ are those that tools/diagrams makes, and a page shows each of them. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { picture } from '../diagrams/draw.mjs';
import { pictures, place } from '../diagrams/make.mjs';
import { root } from '../toolchain.mjs';

const made = pictures();

it.each(Object.entries(made))('%s is what node tools/diagrams/make.mjs makes', (name, svg) => {
  expect(readFileSync(join(root, place, name), 'utf8')).toBe(svg);
});

it('each of them is on docs/diagrams.md, and there are no others', () => {
  const page = readFileSync(join(root, 'docs/diagrams.md'), 'utf8');
  expect(readdirSync(join(root, place)).sort()).toEqual(Object.keys(made).sort());
  for (const name of Object.keys(made)) expect(page).toContain(`](images/diagrams/${name})`);
});

it('their words are text, and a word that has no room is no picture', () => {
  for (const svg of Object.values(made)) expect(svg.match(/<text /g)?.length).toBeGreaterThan(15);
  expect(() => picture(300, 100, 'small', '').box(10, 50, 60, 30, 'plain', ['much too wide for it'])).toThrow(
    /does not fit/,
  );
});
