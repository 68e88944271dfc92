#!/usr/bin/env -S node --
/** klp-tap: talks to a server from the command line. */
import { writeSync } from 'node:fs';
import { runTap } from './tap/main.ts';

const ending = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => ending.abort());
process.exitCode = await runTap(process.argv.slice(2), {
  stdout: (text) => void writeSync(1, text),
  stderr: (text) => void writeSync(2, text),
  signal: ending.signal,
});
