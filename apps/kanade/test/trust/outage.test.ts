/**
 * A broker that is away for so long that an agent has no room left for what it has to tell. What people start is told without what it printed
 * then, at last nothing more is taken; afterwards every end of what was started arrives, once, and what is missing is counted.
 */
import { writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { eventually, newestNatsServer, startNatsServer } from '@kanade/testkit';
import { expect, it } from 'vitest';
import { boundsOf, messageAt, openWire, type Wire } from './conservation/wire.ts';
import type { PlainResult } from './plain-broker.ts';
import { openPlainPerson } from './plain-person.ts';
import { manifestOf, openSite, type Site } from './site.ts';

/** What may wait for the broker, in bytes: see the README of the agent. */
const waitingBytesMax = 1024 ** 3;
const printed = 'x'.repeat(20_000);
/** Room for a few results with what they printed, and then for some without, however long the rest of them is. */
const roomBytes = 4 * printed.length + 12_000;
const eventCount = 40;

/**
 * Years at the usual rate, without the disk for them: in the file of an agent that does not run, one record that is not due for long says
 * that it takes all but this room.
 */
function leaveRoom(site: Site): void {
  const bytes = waitingBytesMax - roomBytes;
  const file = new DatabaseSync(`${site.data}/agent.db`);
  file.exec(`INSERT INTO outbox (id, subject, headers, priority, enqueued_at_ms, state, due_ms, attempts, bytes, checksum, body)
      VALUES ('years', 'years', '{}', 0, 0, 'waiting', ${2 ** 50}, 0, ${bytes}, 0, x'');
    UPDATE outbox_total SET records = 1, bytes = ${bytes} WHERE name = 'waiting'`);
  file.close();
}

/** What a stream holds, as text. */
async function textsIn(wire: Wire, stream: string): Promise<string[]> {
  const { first, last } = await boundsOf(wire, stream);
  const texts: string[] = [];
  for (let seq = first; seq <= last; seq++) texts.push(String((await messageAt(wire, stream, { seq }))?.bytes));
  return texts;
}

it('an outage beyond all room loses no ending, and what is left out is counted', async () => {
  await using broker = await startNatsServer(await newestNatsServer());
  await using site = await openSite();
  await site.answer(['fleet', 'setup'], { env: { KANADE_NATS_URL: broker.url } });
  const event = JSON.stringify({ at: '2026-01-02T03:04:05Z', kind: 'seen', source: 'test:outage' });
  const telling = manifestOf({ id: 'telling', script: `yes '${event}' | head -n ${eventCount}` });
  writeFileSync(`${site.manifests}/telling.yaml`, `${telling}emit: { type: events }\n`);
  site.offer('printing', `head -c ${printed.length} /dev/zero | tr "\\0" x`);
  site.offer('other', 'true');
  const first = site.startAgent(['--server', broker.url]);
  await first.ready();
  await first.end('SIGTERM');
  leaveRoom(site);
  await broker.stop();

  const agent = site.startAgent(['--server', broker.url]);
  await agent.ready();
  await using person = await openPlainPerson(site.socket);
  const told = await person.start('telling');
  await person.end(told);
  const runs: string[] = [];
  const isOver = (run: string): boolean => person.pushes(run).some(({ status }) => status === 'completed');
  /** The first line says that there is no room for what it printed, the second that there is none without. */
  const isStuck = (run: string): boolean =>
    agent.text.stderr.split('\n').filter((line) => line.includes(run) && line.includes('not be recorded')).length > 1;
  do {
    expect(runs.length, 'the room is never used up').toBeLessThan(60);
    const run = await person.start('printing');
    runs.push(run);
    await eventually('it has ended, or finds no room', () => isOver(run) || isStuck(run));
  } while (!runs.some(isStuck));
  const { error } = await person.ask('jobs.execute', { id: 'other' });
  expect(JSON.stringify(error)).toContain('too many results wait for the broker');
  const { ready } = await site.answer(['outbox', 'count', `${site.data}/agent.db`]);
  const { bytes } = ready as { bytes: number };
  expect(bytes).toBeLessThanOrEqual(roomBytes);
  expect(bytes).toBeGreaterThan(roomBytes - printed.length);

  await broker.restart();
  using wire = openWire([broker.port]);
  const results = await eventually('every end has arrived', async () => {
    const all = (await textsIn(wire, 'RESULTS')).map((text) => JSON.parse(text) as PlainResult);
    return all.length > runs.length && all;
  });
  expect(results.map(({ result_id }) => result_id).sort()).toEqual([told, ...runs].sort());
  expect(results.filter(({ exit_code }) => exit_code !== 0)).toEqual([]);
  const leftOut = `[kanade] output left out: too many results wait for the broker (${printed.length} bytes)\n`;
  const outputs = results.filter(({ result_id }) => runs.includes(result_id)).map(({ stdout }) => stdout);
  const [whole, cut] = [printed, leftOut].map((text) => outputs.filter((output) => output === text).length);
  expect(whole).toBeGreaterThan(1);
  expect(cut).toBeGreaterThan(1);
  expect(Number(whole) + Number(cut)).toBe(runs.length);
  // None of the events came, and the result says of how many.
  expect((await textsIn(wire, 'OBS_EVENTS')).filter((text) => text.includes('test:outage'))).toEqual([]);
  expect(results.find(({ result_id }) => result_id === told)?.stderr).toContain(`${eventCount} events were left out`);
  // There is room again.
  await person.end(await person.start('other'));
});
