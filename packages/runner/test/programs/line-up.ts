/** Puts jobs into line. argv: root, words of the keeper as JSON, and definitions as JSON. Prints their ids. */
import { openJobs } from '@kanade/runner';

const [root = '', keeperWords = '', definitions = ''] = process.argv.slice(2);
const jobs = openJobs(root, { keeper: 'process', keeperWords: JSON.parse(keeperWords) });
for (const definition of JSON.parse(definitions)) {
  const launched = jobs.launch({ cwd: root, shellWrapper: ['sh', '-c'], ...definition });
  launched.release();
  console.log(launched.job.id);
}
process.exit();
