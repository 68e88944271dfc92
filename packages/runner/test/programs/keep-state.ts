// Makes the jobs root that is kept of a release, with a job in every state: `keep-state.ts <directory>`. One of them runs while the
// root is copied, so that it has ended unseen, as after a power cut.
import { cpSync, lstatSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type JobDefinition, openJobs } from '@kanade/runner';
import { eventually } from '@kanade/testkit';
import { liveKeeper } from '../../src/keep/markers.ts';
import { sendSignal } from '../../src/process/send-signal.ts';
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
await eventually('the middle of a whole log to go', () => {
  const { omitted, logBytes } = jobs.describe(trimmed);
  return omitted !== undefined && logBytes === 2_000_000;
});
await jobs.stop(trimmed);
jobs.create(job('created', 'echo never'));
const keeperWords = programWords('keeper', [root, '60000']);
await using lined = openJobs(root, { keeper: 'process', keeperWords, env: {} });
lined.setQueue('nightly', { slots: 0 });
lined.launch(job('in-line', 'echo at night', { queue: 'nightly' }));
// Whoever copies is alone with the root: what is being written to while it is copied is no state that a disk could hold.
await eventually('a keeper to come', () => liveKeeper(root) !== undefined);
await eventually('it to go', () => {
  const keeper = liveKeeper(root);
  if (keeper) sendSignal(keeper, 'SIGKILL', 'process');
  return keeper === undefined;
});
const running = jobs.launch(job('lost', 'echo begun; exec sleep 600')).job;
await eventually('it to print', () => jobs.tail(running, 'stdout', { bytesMax: 100 }).text === 'begun\n');
// Sockets and pipes are nobody's state.
const isKept = (path: string) => lstatSync(path).isDirectory() || lstatSync(path).isFile();
cpSync(root, target, { recursive: true, filter: isKept });
await jobs.stop(running);
rmSync(root, { recursive: true });
