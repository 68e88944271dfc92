import { type JobView, type LaunchedJob, launchJob, settle } from '@kanade/runner';

/** Starts a shell script as a job, without the login shell of the default wrapper. */
export function launchScript(
  root: string,
  script: string,
  more: { timeoutMs?: number; killAfterMs?: number } = {},
): LaunchedJob {
  return launchJob(root, { command: [script], cwd: root, shellWrapper: ['sh', '-c'], ...more }, process.env);
}

/** Runs a shell script to its end. */
export async function runScript(root: string, script: string): Promise<JobView> {
  const launched = launchScript(root, script);
  await launched.ended;
  return settle(launched.job);
}
