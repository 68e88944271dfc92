// Mounts a small disk at argv[2] and fills it through an outbox: with a reserve everything is delivered all the same, without one
// it waits for room; then the same disk read-only.
import { execFileSync } from 'node:child_process';
import { rmSync, statfsSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { inspectOutbox, type Outbox, OutboxError, openOutbox } from '@kanade/outbox';

const mount = process.argv[2] ?? '';
execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', mount]);
const path = join(mount, 'outbox.db');
const ballast = join(mount, 'ballast');
const last = join(mount, 'last');
const facts: Record<string, unknown> = {};
const codeOf = (error: unknown) => (error instanceof OutboxError ? error.code : String(error));
const record = (id: string) => ({ id, subject: 's', body: new Uint8Array(3_000) });
const filled = { refusedWith: [] as string[], missing: [] as string[], strangers: [] as string[] };

/** Enqueues until the disk is full, then takes the last byte of it. */
async function fill(outbox: Outbox): Promise<Set<string>> {
  const tried = new Set<string>();
  const acknowledged = new Set<string>();
  const refusedWith = new Set<string>();
  for (let round = 0; refusedWith.size === 0 && round < 1_000; round++) {
    await Promise.all(
      Array.from({ length: 10 }, async (_, index) => {
        const id = `${round}-${index}`;
        tried.add(id);
        await outbox.enqueue(record(id)).then(
          () => acknowledged.add(id),
          (error) => refusedWith.add(codeOf(error)),
        );
      }),
    );
  }
  const present = new Set<string>();
  for await (const { id } of outbox.export()) present.add(id);
  filled.refusedWith.push(...refusedWith);
  filled.missing.push(...[...acknowledged].filter((id) => !present.has(id)));
  filled.strangers.push(...[...present].filter((id) => !tried.has(id)));
  const { bavail, bsize } = statfsSync(mount);
  if (bavail > 0) writeFileSync(last, new Uint8Array(bavail * bsize));
  return present;
}

writeFileSync(ballast, new Uint8Array(1_000_000));
{
  let stalls = 0;
  const onEvent = ({ type }: { type: string }) => void (type === 'stalled' && stalls++);
  const first = openOutbox({ path, onEvent });
  const present = await fill(first);
  facts.someAcknowledged = present.size > 30;
  await first[Symbol.asyncDispose]();
  // Opened again without a byte left, as after a crash of its program.
  await using outbox = openOutbox({ path, onEvent });
  const delivered: string[] = [];
  await outbox.drain({
    until: 'idle',
    async deliver({ id }) {
      delivered.push(id);
    },
  });
  facts.withReserve = {
    stalls,
    all: delivered.length === present.size && new Set(delivered).size === present.size,
  };
  rmSync(ballast);
  rmSync(last, { force: true });
  facts.afterRoom = (await outbox.enqueue(record('after'))).kind;
  facts.sound = (await outbox.verify({ structure: true })).ok;
}

writeFileSync(ballast, new Uint8Array(500_000));
{
  let stalls = 0;
  await using outbox = openOutbox({
    path: join(mount, 'bare.db'),
    limits: { pollMs: 5, diskReserveBytes: 0 },
    onEvent(event) {
      if (event.type === 'stalled') stalls++;
    },
  });
  const present = await fill(outbox);
  const delivered: string[] = [];
  const stop = new AbortController();
  const deliver = async ({ id }: { id: string }) => void delivered.push(id);
  let isOver = false;
  const draining = outbox.drain({ concurrency: 4, deliver, signal: stop.signal }).finally(() => {
    isOver = true;
  });
  while (stalls === 0 && !isOver && delivered.length < present.size) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  stop.abort();
  await draining;
  const deliveredWhileFull = delivered.length;
  rmSync(ballast);
  rmSync(last, { force: true });
  await outbox.drain({ until: 'idle', deliver });
  facts.withoutReserve = {
    stalled: stalls > 0 && deliveredWhileFull < present.size,
    once: delivered.length === present.size && new Set(delivered).size === present.size,
    left: (await outbox.count()).ready.records,
  };
}
Object.assign(facts, { ...filled, refusedWith: [...new Set(filled.refusedWith)] });

execFileSync('mount', ['-o', 'remount,ro', mount]);
try {
  openOutbox({ path });
} catch (error) {
  facts.readOnlyOpen = codeOf(error);
}
using look = inspectOutbox({ path });
facts.readOnlyLook = (await look.list())[0]?.id === 'after';
writeSync(1, `${JSON.stringify(facts)}\n`);
