/** Compression: how much shorter real outputs become, and what a whole log of 1 GB costs against one of 1 MB. */
import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ratioOf, ratios, realOutputs } from '../../../apps/cli/test/compress-corpus.ts';
import { median, report } from '../report.mjs';
import { withJobs } from './setup.mjs';

const [large, small] = [1e9, 1e6];
const rounds = 3;

/** A log as servers write them: times, levels, an error now and then. */
const lines = Array.from({ length: 20_000 }, (_, at) => {
  const time = new Date(1_700_000_000_000 + at * 250).toISOString();
  const text =
    at % 5_000 === 4_999 ? `ERROR could not write batch ${at}` : `INFO request ${at} answered in ${at % 90} ms`;
  return `${time} ${text}\n`;
}).join('');

await withJobs(async ({ jobs, kanade, call }) => {
  const sides = [large, small].map((bytes) => {
    const { job_id: jobId } = kanade('run', '--', 'true');
    const path = join(jobs, jobId, 'stdout.log');
    writeFileSync(path, '');
    for (let size = 0; size < bytes; size += lines.length) appendFileSync(path, lines.slice(0, bytes - size));
    const looks = Array.from({ length: bytes === large ? rounds : 9 }, () =>
      call('tail', '--whole', '--compress', 'logs', '--max-bytes', '0', jobId),
    );
    const { compression } = JSON.parse(looks[0].stdout);
    if (!compression.stdout.includes('ERROR could not write batch 4999')) throw new Error('an error got lost');
    return { tookMs: median(looks.map((look) => look.tookMs)), bytes: median(looks.map((look) => look.residentBytes)) };
  });
  const outputs = realOutputs();
  const percent = ({ bytes, viewBytes }) => Math.round((100 * viewBytes) / bytes);
  const table = (rows) => Object.fromEntries(rows.map((row) => [row.name, percent(row)]));
  const [value, peerValue] = sides.map(({ bytes }) => Math.round(bytes / 1e6));
  report({
    bench: 'compress',
    unit: 'MB',
    value,
    peer: 'resident for a log of 1 MB',
    peerValue,
    goal: { ratio: 1.5 },
    rounds,
    runtime: 'executable',
    megabytesPerSecond: Math.round(large / 1e3 / sides[0].tookMs),
    ratioPercent: table(ratios(outputs)),
    outputsPercent: table(outputs.map(ratioOf)),
  });
});
