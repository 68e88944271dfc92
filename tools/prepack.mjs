/** Runs before a package is packed, in its folder: refuses to pack what was not built, because only a README would come out. */
import { existsSync, readFileSync } from 'node:fs';
import { fail } from './toolchain.mjs';

const { name, bin = {}, exports = {}, publishConfig = {} } = JSON.parse(readFileSync('package.json', 'utf8'));
const promised = [publishConfig.exports ?? exports, publishConfig.bin ?? bin].flatMap((entries) =>
  Object.values(entries).flatMap((target) => (typeof target === 'string' ? target : Object.values(target))),
);
// Of a pattern, its folder.
const missing = promised.map((path) => path.replace(/\*.*$/, '')).filter((path) => !existsSync(path));
if (missing.length > 0) fail(`${name} is not built (there is no ${missing[0]}): pnpm nx run ${name}:build`);
