/** Job directories of every release, and those that this version would leave: each is read as what it was. */
import { openJobs } from '@kanade/runner';
import { keptStates } from '@kanade/testkit';
import { expect, it } from 'vitest';

const timedOut = { status: 'killed', state: { ending: { kind: 'timed_out' } } };
const ofNoRun = { status: 'created', state: { job: { status: 'created' } } };

it.each(keptStates(import.meta.dirname))(
  'the jobs of version $version are read as what they were',
  async ({ unpack }) => {
    await using kept = await unpack();
    await using jobs = openJobs(kept.path, { keeper: 'here' });
    const { jobs: listed, skipped } = jobs.list();
    expect(skipped).toBe(0);
    const byTag = Object.fromEntries(listed.map(({ meta, view, place }) => [meta.tags[0], { ...view, place }]));
    expect(byTag).toMatchObject({
      exited: { status: 'exited', state: { ending: { kind: 'exited', exitCode: 3 } } },
      'timed-out': timedOut,
      failed: {
        status: 'failed',
        state: { ending: { kind: 'not_started' }, error: expect.stringContaining('/no/such') },
      },
      trimmed: { status: 'killed', state: { ending: { kind: 'killed', by: 'user' } } },
      created: ofNoRun,
      'in-line': { ...ofNoRun, place: { position: 1 } },
      lost: { status: 'failed', state: { ending: { kind: 'lost' } } },
    });
    const job = (tag: string) => byTag[tag]?.job ?? expect.unreachable(tag);
    expect(jobs.tail(job('exited'), 'stdout', { bytesMax: 100 }).text).toBe('what it was told\n');
    expect(jobs.tail(job('exited'), 'stderr', { bytesMax: 100 }).text).toBe('an umlaut: ü\n');
    expect(jobs.tail(job('lost'), 'stdout', { bytesMax: 100 }).text).toBe('begun\n');
    expect(jobs.describe(job('trimmed'))).toMatchObject({
      logBytes: 2_000_000,
      omitted: { stdout: [expect.any(Number), expect.any(Number)] },
    });
    expect(jobs.queues()).toMatchObject([{ name: 'nightly', slots: 0 }]);
    // What was never started can be, and what has ended can go.
    await jobs.wait(jobs.start(job('created')).job);
    expect(jobs.tail(job('created'), 'stdout', { bytesMax: 100 }).text).toBe('never\n');
    for (const tag of Object.keys(byTag)) if (tag !== 'in-line') jobs.delete(job(tag));
    expect(jobs.list().jobs.map(({ meta }) => meta.tags[0])).toEqual(['in-line']);
  },
);
