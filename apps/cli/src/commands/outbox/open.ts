import { inspectOutbox, type Outbox, type OutboxInspector, openOutbox } from '@kanade/outbox';
import { UsageError } from '../../call/command.ts';
import type { FileChoice } from './words.ts';

/** How long a call waits for another process that writes, ms. */
const lockWaitMs = 5_000;

/** Opens the file for reading, hands it over and closes it afterwards. Throws OutboxError. */
export async function looking<T>(place: FileChoice, use: (look: OutboxInspector) => Promise<T>): Promise<T> {
  using look = inspect(place);
  return await use(look);
}

/**
 * Opens an existing, sound outbox for a change beside its owner. As a guest, so that damage is reported and never set aside: other
 * tables may live in the file, and its owner has it open.
 */
export async function changing<T>(place: FileChoice, use: (outbox: Outbox) => Promise<T>): Promise<T> {
  const { path } = place;
  await using outbox = openOutbox({ path, as: 'guest', table: inspectedTable(place), limits: { lockWaitMs } });
  return await use(outbox);
}

function inspectedTable(place: FileChoice): string {
  using look = inspect(place);
  return look.table;
}

function inspect({ path, table }: FileChoice): OutboxInspector {
  try {
    return inspectOutbox({ path, limits: { lockWaitMs }, ...(table === undefined ? {} : { table }) });
  } catch (error) {
    if (error instanceof TypeError) throw new UsageError(`option --table is no name of a table: ${table}`);
    throw error;
  }
}
