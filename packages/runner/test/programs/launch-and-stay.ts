/** Starts a job with a deadline, and so the keeper of its root, and lives on: argv is the root and a shell script. Prints the job id. */
import { openJobs } from '@kanade/runner';
import { programWords } from '../program.ts';

const [root = '', script = ''] = process.argv.slice(2);
const jobs = openJobs(root, { keeper: 'process', keeperWords: programWords('keeper', [root, '100']) });
const { job } = jobs.launch({ command: [script], cwd: root, shellWrapper: ['sh', '-c'], timeoutMs: 600_000 });
console.log(job.id);
setInterval(() => undefined, 60_000);
