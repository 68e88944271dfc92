// Makes the jobs root that is kept of a release, with a job in every state: `keep-state.ts <directory>`. One of them runs while the
// root is copied, so that it has ended unseen, as after a power cut.
import { cpSync, lstatSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type JobDefinition, openJobs } from '@kanade/runner';
import { eventually } from '@kanade/testkit';
import { liveKeeper } from '../../src/keep/markers.ts';
import { programWords } from '../program.ts';

const [, , target = ''] = process.argv;

const root = mkdtempSync(join(tmpdir(), 'keep-'));
await using jobs = openJobs(root, { keeper: 'here', env: { PATH: '/usr/bin:/bin' } });

const job = (tag: string, command: string, more: Partial<JobDefinition> = {}): JobDefinition => ({
  command: [command],
  cwd: '/',
  shellWrapper: ['sh', '-c'],
  tags: [tag],
  ...more,
});
const run = (definition: JobDefinition) => jobs.wait(jobs.launch(definition).job);

await run(
  job('exited', 'cat; echo "an umlaut: ü" >&2; exit 3', {
    stdin: Buffer.from('what it was told\n'),
    env: ['PIN=1'],
    mask: ['PIN'],
  }),
);
await run(job('timed-out', 'exec sleep 600', { timeoutMs: 50 }));
await run(job('failed', '/no/such/program', { shellWrapper: [] }));
const trimmed = jobs.launch(
  job('trimmed', 'yes a line | head -c 2000000; exec sleep 600', { logBytesMax: 200_000 }),
).job;
await eventually('the middle of the log to go', () => jobs.describe(trimmed).omitted !== undefined);
await jobs.stop(trimmed);
jobs.create(job('created', 'echo never'));
const keeperWords = programWords('keeper', [root, '100']);
await using lined = openJobs(root, { keeper: 'process', keeperWords, env: {} });
lined.setQueue('nightly', { slots: 0 });
const inLine = lined.launch(job('in-line', 'echo at night', { queue: 'nightly' })).job;
const running = jobs.launch(job('lost', 'echo begun; exec sleep 600')).job;
await jobs.readNext(running, { timeoutMs: 60_000, bytesMax: 100 });
// Sockets and pipes are nobody's state.
const isKept = (path: string) => lstatSync(path).isDirectory() || lstatSync(path).isFile();
cpSync(root, target, { recursive: true, filter: isKept });
await jobs.stop(running);
await lined.stop(inLine);
await eventually('the keeper to leave', () => liveKeeper(root) === undefined);
rmSync(root, { recursive: true });
