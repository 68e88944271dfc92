/** A root with many finished jobs: copies of one that really ran, each a second older than the one before. */
import { cpSync, mkdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export function copyJobs(root, jobId, count) {
  const read = (file) => readFileSync(join(root, jobId, file), 'utf8');
  const [meta, state] = [JSON.parse(read('meta.json')), JSON.parse(read('state.json'))];
  const launches = join(root, '.host/launches');
  const [line] = readFileSync(launches, 'latin1').split('\n');
  const [, cwdHash] = line.split(' ');
  const lines = [line];
  for (let copy = 1; copy < count; copy++) {
    const id = `${copy.toString(16).padStart(8, '0')}${jobId.slice(8)}`;
    const path = join(root, id);
    mkdirSync(path, 0o700);
    for (const file of ['stdout.log', 'stderr.log', 'full.log', 'ending'])
      cpSync(join(root, jobId, file), join(path, file));
    const startedMs = state.started_at_ms - copy * 1000;
    const started_at = `${new Date(startedMs).toISOString().slice(0, 19)}Z`;
    writeFileSync(join(path, 'meta.json'), JSON.stringify({ ...meta, job: { id }, created_at: started_at }));
    const older = { ...state, job: { ...state.job, id, started_at }, started_at_ms: startedMs };
    writeFileSync(join(path, 'state.json'), JSON.stringify(older));
    utimesSync(join(path, 'state.json'), startedMs / 1000 + 0.1, startedMs / 1000 + 0.1);
    lines.push(`${startedMs.toString(36)} ${cwdHash} ${id}`);
  }
  writeFileSync(launches, `${lines.reverse().join('\n')}\n`);
}
