/** The keeper process of a root: argv is the root and the idle time in ms. Prints why it left. */
import { runKeeper } from '@kanade/runner';

const [root = '', idleMs = '10000'] = process.argv.slice(2);
const stop = new AbortController();
process.on('SIGTERM', () => stop.abort());
console.log(await runKeeper({ root, idleMs: Number(idleMs), signal: stop.signal }));
