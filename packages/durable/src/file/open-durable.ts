import { accessSync, constants, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { createGroupCommit } from '../commit/group-commit.ts';
import {
  type ChangeOptions,
  type Clock,
  type CommitOptions,
  createTransactions,
  type OpenFile,
  systemClock,
  type Transaction,
  type Transactions,
} from '../commit/transact.ts';
import { takeLock } from '../lock.ts';
import { createLook, type DurableLook } from '../look/look.ts';
import { finishReplacement, type SalvageOptions, salvage, setDirectoryAside } from '../salvage/replace.ts';
import { walDamage } from '../salvage/wal-damage.ts';
import { type ConnectOptions, closeDamaged, connect, connectBeside } from './connect.ts';
import { DurableError, faultCode, translateFault } from './error.ts';
import { type DurableLimits, resolveDurableLimits } from './limits.ts';
import { readVersions } from './migrate.ts';
import { checkParts, type DurableEvent, type DurablePart, type Sql } from './part.ts';
import { resolvePath } from './path.ts';
import { checkpoint, giveBackSpace } from './reclaim.ts';
import { createReserve, type Reserve } from './reserve.ts';
import { createTell } from './tell.ts';

export interface OpenDurableOptions {
  /** The file; made when missing, set aside and salvaged when damaged. A link is followed, never replaced. */
  readonly path: string;
  /** Who keeps which tables in it. */
  readonly parts: readonly DurablePart[];
  /**
   * `'owner'`: the file is made, brought up to date, and replaced when it is damaged; several may own one, but only one should salvage.
   * `'alone'`: the owner, and the only one, by a lock on `<path>.lock`. `'guest'`: beside an owner; nothing is made, brought up to
   * date or salvaged. @defaultValue 'owner'
   */
  readonly as?: 'owner' | 'alone' | 'guest';
  /** Mode of a file that is made, and of what lies beside it. @defaultValue 0o600 */
  readonly mode?: number;
  readonly limits?: Partial<DurableLimits>;
  readonly clock?: Clock;
  /** What it throws harms nothing and is told once, as a process warning. */
  readonly onEvent?: (event: DurableEvent) => void;
}

/** A file of tables that outlives crashes, damage and full disks. */
export interface Durable extends DurableLook, AsyncDisposable {
  readonly limits: DurableLimits;
  /**
   * Runs `change` in one transaction, on disk when this returns and undone when it throws; it may be run again, so it must do
   * nothing else. Within another transaction of this file it joins that one, which then fails with it. Waits for other processes
   * up to `transactWaitMs`, and blocks the thread meanwhile.
   * @throws what `change` throws; DurableError `busy`, `disk_full`, `io_failed`, `read_only`, `closed`; TypeError for an asynchronous change
   */
  transact<T>(change: (tx: Transaction) => T, options?: ChangeOptions): T;
  /**
   * The same as part of a group: changes of one turn of the event loop share a commit, within its budget. Resolved means on disk.
   * A change that throws takes none of the others with it. @throws as `transact`; `busy` also when over `pendingBytesMax` wait
   */
  commit<T>(change: (tx: Transaction) => T, options?: CommitOptions): Promise<T>;
  /** Looks at once, within the transaction that is open when there is one; waits and fails as `transact`. */
  look<T>(look: (sql: Sql) => T): T;
  /** Whether this is the transaction that is open on this file, for a package that joins one it was given. */
  isOpen(tx: Transaction): boolean;
  /** One step of giving free space back to the disk, small enough not to be felt; for idle moments. @returns whether there is more to do */
  reclaim(): Promise<boolean>;
  /** The lock that stands for a name beside this file, `<path>.<name>`; null when somebody holds it. */
  lock(name: string): (() => void) | null;
  /** Commits what was given to `commit` and closes the file. Several calls are one. */
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Opens a durable file, in whatever state it is; tables of an older version are brought up to date.
 * @throws TypeError, RangeError for unusable options; DurableError `cannot_open`, `read_only`, `busy`, `locked`, `newer_version`,
 * for a guest also `no_file`, `older_version`, `damaged`; what a part's `adopt` or migration throws
 */
export function openDurable(options: OpenDurableOptions): Durable {
  checkParts(options.parts);
  const limits = resolveDurableLimits(options.limits);
  const clock = options.clock ?? systemClock;
  const path = resolvePath(options.path);
  const isGuest = options.as === 'guest';
  const release = options.as === 'alone' ? lockAlone(path) : () => {};
  try {
    const tell = createTell<DurableEvent>(options.onEvent, {
      of: 'a durable file',
      type: 'DurableWarning',
      code: 'DURABLE_LISTENER_FAILED',
    });
    const reserve = createReserve(path, isGuest ? 0 : limits.diskReserveBytes);
    const opening = { path, parts: options.parts, limits, mode: options.mode ?? 0o600, clock, reserve, tell };
    const transactions = createTransactions(isGuest ? openAsGuest(opening) : openAsOwner(opening), {
      helpers: {
        recover({ database }, cause) {
          if (isGuest) throw translateFault(cause, `Cannot use ${path}`);
          closeDamaged(database);
          return replace(opening, { reason: String(cause), lostCommits: 'none' });
        },
        makeRoom: (file) => makeRoom(opening, file),
        holdReserve: reserve.hold,
      },
      limits,
      clock,
    });
    return createDurable(opening, transactions, release);
  } catch (error) {
    release();
    throw error;
  }
}

interface Opening extends ConnectOptions {
  readonly path: string;
  readonly clock: Clock;
  readonly reserve: Reserve;
  readonly tell: (event: DurableEvent) => void;
}

function createDurable(opening: Opening, transactions: Transactions, release: () => void): Durable {
  const { path, limits, parts } = opening;
  const group = createGroupCommit(limits, transactions.transactLater);
  let closing: Promise<void> | null = null;

  async function close(): Promise<void> {
    await group.settled();
    transactions.close();
    const { database } = transactions.file();
    if (database.isOpen) database.close();
    release();
  }

  return {
    ...createLook({ path, parts, read: (look) => transactions.exclusively((file) => look(file.sql, file.database)) }),
    limits,
    read: transactions.read,
    transact: transactions.transact,
    look: transactions.look,
    isOpen: transactions.isOpen,
    commit(change, { addsBytes = 0, alone = false } = {}) {
      if (alone) return transactions.transactLater(change, addsBytes);
      if (closing !== null) return Promise.reject(new DurableError('closed', 'Cannot use the file: it was closed'));
      return group.add(change, addsBytes);
    },
    reclaim: () => transactions.exclusively(({ database }) => giveBackSpace(database, path)),
    lock(name) {
      const outcome = takeLock(`${path}.${name}`);
      if (outcome.kind === 'gone')
        throw new DurableError('cannot_open', `Cannot lock ${path}.${name}: its directory is gone`);
      return outcome.kind === 'held' ? outcome.release : null;
    },
    [Symbol.asyncDispose]() {
      closing ??= close();
      return closing;
    },
  };
}

function lockAlone(path: string): () => void {
  const outcome = takeLock(`${path}.lock`);
  if (outcome.kind === 'held') return outcome.release;
  if (outcome.kind === 'gone') throw new DurableError('cannot_open', `Cannot open ${path}: its directory is gone`);
  throw new DurableError('locked', `Cannot open ${path}: another program has it`);
}

/** Opens an existing file whose parts are of the versions known here. */
function openAsGuest({ path, parts, limits }: Opening): OpenFile {
  try {
    accessSync(path);
  } catch (error) {
    throw new DurableError('no_file', `Cannot open ${path}: there is no such file`, { cause: error });
  }
  let connection: OpenFile | null = null;
  try {
    connection = connectBeside(path, limits);
    const versions = readVersions(connection.database, connection.sql, parts);
    const older = parts.find(({ name, migrations }) => (versions.get(name) ?? 0) < migrations.length);
    if (older) throw new DurableError('older_version', olderMessage(path, older));
    return connection;
  } catch (error) {
    if (connection) closeDamaged(connection.database);
    throw translateFault(error, `Cannot open ${path}`);
  }
}

const olderMessage = (path: string, { name }: DurablePart) =>
  `Cannot use ${path}: its ${name} is of an older version, start the current version of the program that owns it once`;

/** Opens a file that is ours, whatever state it is in. */
function openAsOwner(opening: Opening): OpenFile {
  const { path, clock, tell } = opening;
  try {
    finishReplacement(path, clock.nowMs());
    const report = setDirectoryAside({ ...opening, nowMs: clock.nowMs() });
    if (report !== null) tell({ type: 'salvaged', ...report });
  } catch (error) {
    throw new DurableError('cannot_open', `Cannot open ${path}: ${(error as Error).message}`, { cause: error });
  }
  const hasWal = (statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0) > 0;
  const fault = walDamage(path);
  if (fault !== null) return replace(opening, { reason: fault, lostCommits: 'some' });
  try {
    return connectWithRoom(opening);
  } catch (error) {
    if (faultCode(error) === 'cannot_open' && isReadOnly(path))
      throw new DurableError('read_only', `Cannot open ${path}: it cannot be written here`, { cause: error });
    if (faultCode(error) !== 'damaged') throw translateFault(error, `Cannot open ${path}`);
    return replace(opening, { reason: (error as Error).message, lostCommits: hasWal ? 'maybe' : 'none' });
  }
}

/** A file that is there, in a place that takes no side files: SQLite calls that "unable to open". */
function isReadOnly(path: string): boolean {
  try {
    accessSync(path, constants.R_OK);
  } catch {
    return false;
  }
  try {
    accessSync(path, constants.W_OK);
    accessSync(dirname(path), constants.W_OK);
    return false;
  } catch {
    return true;
  }
}

/** Opening makes the side files of SQLite, for which a full disk has no room; what it calls that depends on which of them failed. */
function connectWithRoom(opening: Opening): OpenFile {
  const { path, reserve, tell } = opening;
  try {
    return connect(path, opening);
  } catch (error) {
    const code = faultCode(error);
    const mayBeFull = code === 'disk_full' || code === 'io_failed' || code === 'cannot_open';
    if (!mayBeFull || !reserve.release()) throw error;
    tell({ type: 'reserve_used', path });
    return connect(path, opening);
  }
}

/** Puts a sound file with what can be read in the place of a damaged one. */
function replace(opening: Opening, { reason, lostCommits }: Pick<SalvageOptions, 'reason' | 'lostCommits'>): OpenFile {
  const { path, clock, tell } = opening;
  try {
    const report = salvage({ ...opening, nowMs: clock.nowMs(), reason, lostCommits });
    tell({ type: 'salvaged', ...report });
    return connect(path, opening);
  } catch (error) {
    if (error instanceof DurableError) throw error;
    const message = `Cannot set the damaged ${path} aside: ${(error as Error).message}`;
    throw new DurableError(faultCode(error) ?? 'cannot_open', message, { cause: error });
  }
}

/** Room for a change that adds nothing, on a disk that has none. */
function makeRoom({ path, reserve, tell }: Opening, { database }: OpenFile): void {
  if (reserve.release()) tell({ type: 'reserve_used', path });
  try {
    // What the WAL holds goes into the file first: then the change is written over it.
    checkpoint(database);
  } catch (error) {
    // Still no room, or a lock: the next try of the change says which.
    if (faultCode(error) === null) throw error;
  }
}
