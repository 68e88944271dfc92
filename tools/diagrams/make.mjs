/** Writes the pictures of docs/diagrams.md: `node tools/diagrams/make.mjs`. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { root } from '../toolchain.mjs';
import { doors } from './doors.mjs';
import { order } from './order.mjs';
import { trust } from './trust.mjs';
import { update } from './update.mjs';

export const place = 'docs/images/diagrams';

/** File name → SVG. */
export const pictures = () => ({
  'doors.svg': doors(),
  'order.svg': order(),
  'trust.svg': trust(),
  'update.svg': update(),
});

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  mkdirSync(join(root, place), { recursive: true });
  for (const [name, svg] of Object.entries(pictures())) writeFileSync(join(root, place, name), svg);
}
