/** Decoding of the three hot messages against plain JSON.parse, and what importing an entry costs a cold process. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { fail, runTool } from '../../toolchain.mjs';
import { interleave, report } from '../report.mjs';
import { peerValidators } from './peer-schemas.mjs';

const rounds = 60;
const decodesPerRound = 5_000;
const importRounds = 15;

if (runTool('nx', ['run', '@kanade/shared:build', '--outputStyle=static'], { stdio: ['ignore', 'ignore', 2] }) !== 0) {
  fail('building @kanade/shared failed: see above');
}
const entryUrl = (entry) => new URL(`../../../packages/shared/dist/${entry}.js`, import.meta.url);
const { createCommandReader, createReader, ExecResult, readCommand } = await import(entryUrl('fleet'));
const { JobProgress } = await import(entryUrl('local'));

const asIs = (value) => value;

const at = '2026-11-21T08:00:00Z';
const id = '0191f0c1-7b1a-7000-8000-000000000001';

/** Message → its text on the wire, as an ordinary fleet has it. */
const texts = {
  Command: JSON.stringify({
    id: 'disk-report',
    version: '1.4.0',
    request_id: id,
    exec_id: id,
    shell: 'sh',
    script: `set -eu\n${'df -h --output=source,size,used,avail,pcent,target | sort -k5 -r\n'.repeat(6)}`,
    timeout_secs: 90,
    jitter_secs: null,
    run_as: 'user',
    deadline_at: at,
    staleness: { mode: 'strict', max_cache_age: '5m' },
    retry: { max: 3, backoff_secs: 30 },
  }),
  ExecResult: JSON.stringify({
    result_id: id,
    request_id: id,
    exec_id: id,
    pc_id: 'desk-042',
    exit_code: 0,
    skipped: false,
    stdout: '/dev/nvme0n1p2  457G  301G  133G  70% /\n'.repeat(20),
    stderr: '',
    started_at: at,
    finished_at: at,
    manifest_id: 'disk-report',
    ending: 'exited',
  }),
  JobProgress: JSON.stringify({
    run_id: id,
    status: 'running',
    stdout_chunk: 'Get:1 http://archive.example.com stable/main amd64 Packages [8,786 kB]\n'.repeat(2),
    job_id: 'pending-updates',
    started_at: at,
  }),
};

/** As a program reads that gets thousands of them. */
function reading(read) {
  return (value) => {
    const result = read(value);
    if (!result.ok) throw new Error(JSON.stringify(result.faults));
    return result.value;
  };
}

const ours = {
  Command: reading(createCommandReader()),
  ExecResult: reading(createReader(ExecResult)),
  JobProgress: reading(createReader(JobProgress)),
};

/** The exported schemas as they are. */
const uncompiled = {
  Command: reading(readCommand),
  ExecResult: (value) => ExecResult.parse(value),
  JobProgress: (value) => JobProgress.parse(value),
};

/** Mean time of one decode in a round, in µs. */
function timer(text, validate) {
  return () => {
    const startedMs = performance.now();
    for (let decode = 0; decode < decodesPerRound; decode++) validate(JSON.parse(text));
    return ((performance.now() - startedMs) * 1000) / decodesPerRound;
  };
}

/** Medians in µs of JSON.parse alone, ours, and the others, rounds interleaved. */
function measure(message) {
  const text = texts[message];
  const sides = { json: asIs, ours: ours[message], uncompiled: uncompiled[message] };
  for (const [name, validatorOf] of Object.entries(peerValidators())) sides[name] = validatorOf(message);
  const timers = Object.values(sides).map((validate) => timer(text, validate));
  for (const run of timers) run();
  const medians = interleave(rounds, ...timers);
  return Object.fromEntries(Object.keys(sides).map((name, side) => [name, medians[side]]));
}

/** Import of one entry in a fresh process, in ms. */
function importMs(specifier) {
  const source = `const t = performance.now(); await import(${JSON.stringify(specifier)}); process.stdout.write(String(performance.now() - t));`;
  const { status, stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', source], {
    cwd: fileURLToPath(new URL('../../../packages/shared/', import.meta.url)),
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (status !== 0) throw new Error(`could not import ${specifier}: exit ${status}`);
  return Number(stdout);
}

const rounded = (value) => Math.round(value * 1000) / 1000;
const roundedAll = (values) => Object.fromEntries(Object.entries(values).map(([key, value]) => [key, rounded(value)]));

const perMessage = Object.fromEntries(Object.keys(texts).map((message) => [message, measure(message)]));
const sum = (side) => Object.values(perMessage).reduce((total, medians) => total + medians[side], 0);
const specifiers = ['fleet', 'local', 'job'].map((entry) => String(entryUrl(entry)));
const [zodMs, ...entryMs] = interleave(importRounds, ...['zod', ...specifiers].map((name) => () => importMs(name)));

report({
  bench: 'shared',
  unit: 'µs',
  value: sum('ours'),
  peer: 'JSON.parse of the same three messages',
  peerValue: sum('json'),
  others: roundedAll({
    uncompiled: sum('uncompiled') / sum('json'),
    valibot: sum('valibot') / sum('json'),
    typebox: sum('typebox') / sum('json'),
  }),
  messages: Object.fromEntries(
    Object.entries(perMessage).map(([message, medians]) => [
      message,
      {
        bytes: texts[message].length,
        perSecond: Math.round(1e6 / medians.ours),
        ratio: rounded(medians.ours / medians.json),
        uncompiled: rounded(medians.uncompiled / medians.json),
        valibot: rounded(medians.valibot / medians.json),
        typebox: rounded(medians.typebox / medians.json),
      },
    ]),
  ),
  importMs: roundedAll({ zod: zodMs, fleet: entryMs[0], local: entryMs[1], job: entryMs[2] }),
  rounds,
  runtime: `node ${process.versions.node}`,
});
