import { type JobView, pathOf } from '@kanade/runner';
import { onTestFinished } from 'vitest';
import { type LaunchedJob, launchJob } from '../src/life/launch.ts';
import { settle } from '../src/life/settle.ts';
import { dropControlGroupIn } from '../src/process/control-group/control-group.ts';

/** Starts a shell script as a job, without the login shell of the default wrapper. */
export function launchScript(
  root: string,
  script: string,
  more: { timeoutMs?: number; killAfterMs?: number } = {},
): LaunchedJob {
  const launched = launchJob(root, { command: [script], cwd: root, shellWrapper: ['sh', '-c'], ...more }, process.env);
  // Tests that damage a job's files leave nobody who would remove its group.
  onTestFinished(() => dropControlGroupIn(pathOf(launched.job, 'controlGroup'), launched.job.id));
  return launched;
}

/** Runs a shell script to its end. */
export async function runScript(root: string, script: string): Promise<JobView> {
  const launched = launchScript(root, script);
  await launched.ended;
  return settle(launched.job);
}
