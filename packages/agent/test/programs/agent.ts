/** The agent as a process of its own, so that a test can kill it. Arguments are those of the agent. */
import { writeSync } from 'node:fs';
import { main } from '@kanade/agent';

const ending = new AbortController();
process.once('SIGTERM', () => ending.abort(new Error('SIGTERM')));
process.exitCode = await main(process.argv.slice(2), {
  stdout: (text) => void writeSync(1, text),
  stderr: (text) => void writeSync(2, text),
  env: process.env,
  signal: ending.signal,
});
