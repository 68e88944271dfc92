// Cuts the power of a program that keeps an agent's file: `power-cut.ts <node|bun> <directory> <cuts> <seed>`. The file of each
// cut is opened as an agent opens it, and must hold what the program had said by then, and no half of anything.
import { writeSync } from 'node:fs';
import { join } from 'node:path';
import { openOutbox } from '@kanade/outbox';
import { type Runtime, runtimeWords } from '@kanade/testkit';
import { cutPower } from '@kanade/testkit/power-cut';
import { openStateFile } from '../../src/store/state-file.ts';

const [, , runtime = 'node', directory = '', cutsText = '', seedText = ''] = process.argv;
const program = join(import.meta.dirname, 'admit-and-end.ts');
const wrong: string[] = [];
const salvaged: string[] = [];

const heard = (said: readonly string[], step: string) =>
  new Set(said.filter((line) => line.startsWith(`${step} `)).map((line) => line.slice(2)));

/** What an agent finds in the file, by request. */
async function found(path: string) {
  await using file = openStateFile(path, (event) => {
    if (event.type === 'salvaged') salvaged.push(`${path}: ${event.reason}`);
  });
  await using _outbox = openOutbox({ durable: file });
  return file.look((sql) => ({
    admitted: new Set(
      sql('SELECT request_id FROM admission')
        .all()
        .map(({ request_id }) => String(request_id)),
    ),
    runs: new Map(
      sql('SELECT * FROM run')
        .all()
        .map((row) => [String(row.request_id), row]),
    ),
    records: new Map(
      sql('SELECT id, body FROM outbox')
        .all()
        .map(({ id, body }) => [String(id), bodyOf(body)]),
    ),
  }));
}

const bodyOf = (body: unknown) => JSON.parse(Buffer.from(body as Uint8Array).toString('utf8'));

async function check(place: string, said: readonly string[]): Promise<void> {
  const { admitted, runs, records } = await found(join(place, 'agent.db'));
  const [tried, delivered] = [heard(said, 't'), heard(said, 'd')];
  const fault = (what: string, id: string) => wrong.push(`${place}: ${what}: ${id}`);
  for (const id of heard(said, 'a')) if (!admitted.has(id)) fault('an admitted order is gone', id);
  for (const id of heard(said, 'e')) if (runs.get(id)?.state !== 'ended') fault('an ending is gone', id);
  for (const id of admitted) {
    if (!tried.has(id)) fault('an order that never came', id);
    if (!runs.has(id)) fault('an order without its run', id);
  }
  for (const [id, { state, exit_code, started_at_ms }] of runs) {
    if (!admitted.has(id)) fault('a run without its order', id);
    const result = records.get(`run-${id}`);
    const isReported = result !== undefined || delivered.has(`run-${id}`);
    if ((state === 'ended') !== isReported) fault(`${state} and ${isReported ? 'a' : 'no'} result`, id);
    if (result && (result.exit_code !== exit_code || !result.stdout.startsWith(id))) fault('another result', id);
    const event = `run-${id}.started`;
    if ((started_at_ms !== null) !== (records.has(event) || delivered.has(event))) fault('half a start', id);
  }
  const known = [...runs.keys()].flatMap((id) => [`run-${id}`, `run-${id}.started`]);
  for (const id of new Set(records.keys()).difference(new Set(known))) fault('a record of no run', id);
}

const { cuts, syncs, said } = await cutPower({
  directory,
  words: (live) => [...runtimeWords(runtime as Runtime), program, join(live, 'agent.db')],
  cutsMax: Number(cutsText),
  seed: Number(seedText),
  check,
});
const heardOf = { admitted: heard(said, 'a').size, ended: heard(said, 'e').size, delivered: heard(said, 'd').size };
writeSync(1, `${JSON.stringify({ cuts, syncs, ...heardOf, wrong, salvaged })}\n`);
process.exit(0);
