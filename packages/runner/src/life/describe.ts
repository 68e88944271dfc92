import type { JobDir, MetaFile, OmittedRanges } from '../record/layout.ts';
import { createPlaces, type PlaceInLine } from './places.ts';
import { type JobView, readFacts, settleFacts } from './settle.ts';

/** All that is known of a job. */
export interface JobDescription extends JobView {
  /** Undefined when it cannot be read. */
  readonly meta: MetaFile | undefined;
  /** What the logs lack; undefined when they are whole. */
  readonly omitted: OmittedRanges | undefined;
  /** Bytes that both logs have. */
  readonly logBytes: number;
  /** Pids of its processes that still live, though it has ended. */
  readonly leftRunning: readonly number[];
  /** Where it stands while it waits for its turn. */
  readonly place: PlaceInLine | undefined;
}

/** Where a job stands, with all that is known of it; each of its files is read once. Settles it. */
export function describeJob(root: string, job: JobDir): JobDescription {
  const facts = readFacts(job);
  const view = settleFacts(facts);
  return {
    ...view,
    meta: facts.meta,
    omitted: facts.omitted,
    logBytes: facts.logBytes,
    leftRunning: view.state?.left_running ? facts.left.map(({ identity }) => identity.pid) : [],
    place: view.status === 'created' && facts.meta ? createPlaces(root)(job, facts.meta) : undefined,
  };
}
