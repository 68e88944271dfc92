// Mounts a small disk at argv[2], fills it through an outbox, makes room, goes on; then the same on a read-only disk.
import { execFileSync } from 'node:child_process';
import { rmSync, statfsSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { inspectOutbox, OutboxError, openOutbox } from '@kanade/outbox';

const mount = process.argv[2] ?? '';
execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', mount]);
const path = join(mount, 'outbox.db');
const ballast = join(mount, 'ballast');
const facts: Record<string, unknown> = {};
const codeOf = (error: unknown) => (error instanceof OutboxError ? error.code : String(error));
const record = (id: string) => ({ id, subject: 's', body: new Uint8Array(3_000) });

writeFileSync(ballast, new Uint8Array(1_000_000));
{
  const tried = new Set<string>();
  const acknowledged = new Set<string>();
  const refusedWith = new Set<string>();
  let stalls = 0;
  await using outbox = openOutbox({
    path,
    limits: { pollMs: 5 },
    onEvent(event) {
      if (event.type === 'stalled') stalls++;
    },
  });
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
  facts.refusedWith = [...refusedWith];
  facts.someAcknowledged = acknowledged.size > 100;
  const present = new Set<string>();
  for await (const { id } of outbox.export()) present.add(id);
  facts.missing = [...acknowledged].filter((id) => !present.has(id));
  facts.strangers = [...present].filter((id) => !tried.has(id));

  // Not a byte is left: what is delivered cannot be removed, so nothing more is delivered until there is room.
  const { bavail, bsize } = statfsSync(mount);
  const last = join(mount, 'last');
  if (bavail > 0) writeFileSync(last, new Uint8Array(bavail * bsize));
  const delivered: string[] = [];
  let stalledAt = -1;
  const draining = outbox.drain({
    until: 'idle',
    concurrency: 4,
    async deliver({ id }) {
      delivered.push(id);
    },
  });
  while (stalls === 0) await new Promise((resolve) => setImmediate(resolve));
  stalledAt = delivered.length;
  rmSync(ballast);
  await draining;
  facts.stalledThenDelivered = stalledAt < present.size && delivered.length === new Set(delivered).size;
  facts.afterRoom = (await outbox.enqueue(record('after'))).kind;
  facts.sound = (await outbox.verify({ structure: true })).ok;
}

execFileSync('mount', ['-o', 'remount,ro', mount]);
try {
  openOutbox({ path });
} catch (error) {
  facts.readOnlyOpen = codeOf(error);
}
using look = inspectOutbox({ path });
facts.readOnlyLook = (await look.list())[0]?.id === 'after';
writeSync(1, `${JSON.stringify(facts)}\n`);
