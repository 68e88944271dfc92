/** Jobs that take their turn: how one is put into line, and how one is taken out before it ran. */
import { closeSync, rmSync } from 'node:fs';
import { replaceFile } from '@kanade/durable/files';
import { JobError } from '../job-error.ts';
import { pretty, replaceState } from '../record/files.ts';
import { type JobDir, limits, type MetaFile, pathOf, readMasked, readSmallFile, readState } from '../record/layout.ts';
import { takeTicket, ticketOf } from '../record/tickets.ts';
import { failedState } from './decide-ending.ts';
import { environmentOf } from './definition.ts';
import { claimRecord } from './launch.ts';

type Environment = Readonly<Record<string, string | undefined>>;

const environmentVersion = 1;

/**
 * Puts a created job at the end of its line, with the environment that it will have: `env`, and what its definition says of it, as
 * that is now. Throws `launch_failed` for what cannot be read of it, `invalid_input` when it is too large, `invalid_state` for a job that waits already.
 */
export function enqueue(root: string, job: JobDir, meta: MetaFile, env: Environment): void {
  const place = ticketOf(root, job.id);
  if (place && readState(job)?.job.status === 'created' && readEnvironment(job))
    throw new JobError('invalid_state', `job ${job.id} cannot be started: it waits for its turn already`);
  const variables = environmentOf(meta, env, meta.mask ? readMasked(job) : []);
  const text = pretty({ version: environmentVersion, variables });
  if (Buffer.byteLength(text) > limits.recordFileBytes)
    throw new JobError(
      'invalid_input',
      `the environment of job ${job.id} is larger than ${limits.recordFileBytes} bytes`,
    );
  replaceFile(pathOf(job, 'environment'), text);
  takeTicket(root, job.id, meta.queue);
}

/** The environment that a job was put into line with; undefined when there is none that can be read. */
export function readEnvironment(job: JobDir): Environment | undefined {
  try {
    const { version, variables } = JSON.parse(readSmallFile(pathOf(job, 'environment')) ?? '') as Record<
      string,
      unknown
    >;
    return version === environmentVersion && typeof variables === 'object' && variables !== null
      ? (variables as Environment)
      : undefined;
  } catch {
    return undefined; // none, or damaged: it is not started with another one instead
  }
}

/** It has started, or never will: nobody needs its environment any more. */
export const dropEnvironment = (job: JobDir): void => rmSync(pathOf(job, 'environment'), { force: true });

/**
 * Ends a job that has not been started, with the reason; false when a launch of it has begun. Whoever has the record decides: after
 * that nobody can start it.
 */
export function endUnstarted(job: JobDir, reason: string): boolean {
  const known = readState(job);
  if (known?.job.status !== 'created') return false;
  try {
    closeSync(claimRecord(job, pathOf(job, 'record')));
  } catch (error) {
    if (error instanceof JobError && error.code === 'invalid_state') return false;
    throw error;
  }
  replaceState(job, failedState(job, reason), known);
  dropEnvironment(job);
  return true;
}
