/** Launches jobs with known endings until it has launched its share or is killed: argv is the root and how many. */
import { importRunner, programWords } from './setup.mjs';

const runner = await importRunner();
const [, , root, share] = process.argv;
const keeperWords = programWords('./keeper.mjs', root);
for (let count = 0; count < Number(share); count++) {
  const napS = (Math.random() * 0.3).toFixed(3);
  const code = Math.floor(Math.random() * 200);
  // Every tenth ends by a signal. The tag says what is right; the job's own output says that it ran, and how often.
  const isSignaled = code % 10 === 0;
  const script = `echo ran; sleep ${napS}; ${isSignaled ? 'kill -KILL $$' : `exit ${code}`}`;
  const definition = {
    command: [script],
    cwd: root,
    shellWrapper: ['sh', '-c'],
    tags: [isSignaled ? 'signal-9' : `exit-${code}`],
  };
  const { job, release } = runner.launchJob(root, definition, process.env);
  release();
  runner.mark(root, job);
  runner.ensureKeeper(root, keeperWords);
}
