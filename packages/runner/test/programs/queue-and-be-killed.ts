/**
 * Puts a job into line, or keeps a root in which one stands, and is killed right before its n-th step (see `steps.ts`).
 * argv: root, n, `caller` or `keeper`. Prints how many steps there were when n is more than that.
 */
import { steps } from './steps.ts';

const [root = '', , role = ''] = process.argv.slice(2);
const { openJobs, runKeeper } = await import('@kanade/runner');
// No keeper comes: whoever looks afterwards starts one.
const jobs = openJobs(root, { keeper: 'process', keeperWords: ['/bin/true'] });
const putIntoLine = (): void =>
  jobs
    .launch({
      command: ['echo ran >> told'],
      cwd: `${root}/..`,
      shellWrapper: ['sh', '-c'],
      queue: 'q',
      notification: { notify_file: `${root}/../events` },
    })
    .release();
if (role === 'keeper') putIntoLine();
steps.isCounting = true;
if (role === 'caller') putIntoLine();
else await runKeeper({ root, idleMs: 50, signal: new AbortController().signal });
steps.isCounting = false;
console.log(String(steps.count));
process.exit();
