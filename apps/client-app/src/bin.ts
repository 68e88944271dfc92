#!/usr/bin/env -S node --
/** The npm form of the Client App. */
import { writeSync } from 'node:fs';
import { main } from './main.ts';

const ending = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => ending.abort(new Error(`stopped by ${signal}`)));
}
const code = await main(process.argv.slice(2), {
  stdout: (text) => void writeSync(1, text),
  stderr: (text) => void writeSync(2, text),
  env: process.env,
  signal: ending.signal,
});
process.exit(code);
