/** A keeper as a process of its own: argv is the root. */
import { importRunner } from './setup.mjs';

const { runKeeper } = await importRunner();
const stop = new AbortController();
process.on('SIGTERM', () => stop.abort());
await runKeeper({ root: process.argv[2], signal: stop.signal });
