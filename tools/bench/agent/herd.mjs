/** `herd.mjs HOME SERVER COUNT`: so many whole agents in one process; prints a line when all of them serve. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { main } from '../../../packages/agent/dist/index.js';

const [home, server, count] = process.argv.slice(2);
const never = new AbortController().signal;

for (let nth = 0; nth < Number(count); nth++) {
  const place = join(home, 'herd', String(nth));
  mkdirSync(place, { recursive: true });
  const own = ['--id', `pc-${nth}`, '--data-dir', join(place, 'data'), '--socket', join(place, 's')];
  await new Promise((resolve, reject) => {
    const io = { env: process.env, signal: never, stdout: resolve, stderr: (line) => process.stderr.write(line) };
    const ended = main([...own, '--allow-own-user', '--log-level', 'error', '--server', server], io);
    ended.then((code) => reject(new Error(`agent ${nth} ended with ${code}`)), reject);
  });
}
process.stdout.write('ready\n');
