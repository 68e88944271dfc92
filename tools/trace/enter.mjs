/**
 * Loaded into a program before its first module (`--import`): notes each entry into a function of our sources, as the file it
 * stands in and the time. `TRACE_FILE` takes one JSON line per run of entries of one file; other sources stay as they are.
 */
import { appendFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';
import { instrument } from './instrument.mjs';

const file = process.env.TRACE_FILE;
const root = fileURLToPath(new URL('../../', import.meta.url));
const isOurs = (path) => path.startsWith(root) && /^(packages|apps)\/[^/]+\/src\//.test(path.slice(root.length));

let last = '';
const lines = [];
const write = () => {
  if (lines.length > 0) appendFileSync(file, lines.splice(0).join(''));
};
globalThis.__enter = (room) => {
  if (room === last) return;
  last = room;
  lines.push(`${JSON.stringify([performance.timeOrigin + performance.now(), process.pid, room])}\n`);
};
process.on('exit', write);
setInterval(write, 50).unref();

registerHooks({
  load(url, context, next) {
    const loaded = next(url, context);
    const path = url.startsWith('file:') ? fileURLToPath(url) : '';
    if (!isOurs(path) || !loaded.source) return loaded;
    const text = instrument(String(loaded.source), path.slice(root.length));
    return { ...loaded, source: text };
  },
});
