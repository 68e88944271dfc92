/**
 * Launches a job through the front door and is killed right before its n-th step (see `steps.ts`).
 * argv: root, n, where the keeper is, and the words of the keeper. Prints how many steps there were when n is more than that.
 */
import { steps } from './steps.ts';

const [root = '', , keeper = '', ...keeperWords] = process.argv.slice(2);
const { openJobs } = await import('@kanade/runner');
const jobs = openJobs(root, { keeper: keeper as 'here' | 'process', keeperWords });
steps.isCounting = true;
const launched = jobs.launch({
  command: ['sleep 60'],
  cwd: root,
  shellWrapper: ['sh', '-c'],
  timeoutMs: 1_000,
  notification: { notify_file: `${root}/../told` },
});
launched.release();
steps.isCounting = false;
console.log(String(steps.count)); // a number would be coloured where colours are forced
process.exit();
