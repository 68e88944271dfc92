/** Starts a job and is killed at once: argv is the root and a shell script. Prints the job id first. */
import { writeSync } from 'node:fs';
import { launchJob } from '../../src/life/launch.ts';

const [root = '', script = '', timeoutMs = '0'] = process.argv.slice(2);
const { job } = launchJob(
  root,
  { command: [script], cwd: root, shellWrapper: ['sh', '-c'], timeoutMs: Number(timeoutMs) },
  process.env,
);
writeSync(1, `${job.id}\n`);
process.kill(process.pid, 'SIGKILL');
