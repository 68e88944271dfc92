/*
 * One connection: its statements, its transactions, and the time they take. A change runs within one transaction, which is on the disk when COMMIT returns:
 *
 *   none --BEGIN IMMEDIATE--> open --change, onCommitting--> COMMIT --> none, onCommitted
 *                              | thrown: ROLLBACK --> none; nobody is told
 *
 * No transaction outlives the turn of the event loop that began it. What fails for damage, for a full disk or for another
 * process that writes is undone, helped, and run again, so a change must do nothing that a ROLLBACK does not undo.
 */
import type { DatabaseSync } from 'node:sqlite';
import { DurableError, faultCode, translateFault } from '../file/error.ts';
import type { DurableLimits } from '../file/limits.ts';
import type { Sql, Statement } from '../file/part.ts';

/** Time as it is needed here; a test gives its own. */
export interface Clock {
  /** Milliseconds since 1970. */
  nowMs(): number;
  /** Calls back once after `delayMs`; returns what cancels it. */
  setTimer(callback: () => void, delayMs: number): () => void;
}

/** The clock of the system. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  setTimer(callback, delayMs) {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
};

/** An open file and its prepared statements. */
export interface OpenFile {
  readonly database: DatabaseSync;
  readonly sql: Sql;
}

/** A connection with its statements, each prepared when it is first asked for. */
export function withStatements(database: DatabaseSync): OpenFile {
  // As many entries as there are statement texts in the program.
  const prepared = new Map<string, Statement>();
  const sql: Sql = (text) => {
    let statement = prepared.get(text);
    if (statement === undefined) {
      statement = database.prepare(text) as unknown as Statement;
      prepared.set(text, statement);
    }
    return statement;
  };
  return { database, sql };
}

/** A transaction that is open; of no use after it. */
export interface Transaction {
  /** The prepared statement for a text. */
  readonly sql: Sql;
  /** Runs right before COMMIT, as part of the transaction. */
  onCommitting(finish: () => void): void;
  /** Runs once the transaction is on the disk, and never when it is not. */
  onCommitted(tell: () => void): void;
}

export interface ChangeOptions {
  /**
   * Bytes that the change adds to what is kept. With it the change fails with `disk_full` rather than use up the room that others
   * need to remove what is done; without it, it may use the reserve. @defaultValue 0: it adds next to nothing
   */
  readonly addsBytes?: number;
}

export interface CommitOptions extends ChangeOptions {
  /** In a commit of its own, at once, and not behind the changes that wait for the next one. @defaultValue false */
  readonly alone?: boolean;
}

/** What helps a change that could not be made. */
export interface Helpers {
  /** Puts a sound file in the place of the damaged one. @throws DurableError when that cannot be */
  recover(damaged: OpenFile, cause: unknown): OpenFile;
  /** Room for a change that adds nothing, on a disk that has none. */
  makeRoom(file: OpenFile): void;
  /** @throws DurableError `disk_full` when the reserve cannot be there before so much is added */
  holdReserve(addsBytes: number): void;
}

export interface Transactions {
  /** The connection in use; another one after a salvage. */
  file(): OpenFile;
  /** Whether this is the transaction that is open. */
  isOpen(tx: Transaction): boolean;
  transact<T>(change: (tx: Transaction) => T, options?: ChangeOptions): T;
  /** Looks at once, within the transaction that is open when there is one. */
  look<T>(look: (sql: Sql) => T): T;
  /** The same in a turn of its own, waiting for others without blocking. */
  transactLater<T>(change: (tx: Transaction) => T, addsBytes: number): Promise<T>;
  read<T>(look: (sql: Sql) => T): Promise<T>;
  /** Work on the connection that is no transaction, such as giving back space. */
  exclusively<T>(work: (file: OpenFile) => T): Promise<T>;
  close(): void;
}

/** Work on the database in one turn of the event loop after which the rest waits for the next one, ms. */
const turnBudgetMs = 1;

interface OpenTransaction extends Transaction {
  readonly committing: (() => void)[];
  readonly committed: (() => void)[];
  /** A joined change failed: nothing of it may be committed, even when its error was caught. */
  failure: { readonly error: unknown } | null;
}

/** One file's transactions: what is open now, and what helps. */
interface State {
  file: OpenFile;
  readonly helpers: Helpers;
  readonly limits: DurableLimits;
  readonly clock: Clock;
  readonly turns: ReturnType<typeof createTurns>;
  open: OpenTransaction | null;
  isClosed: boolean;
}

export function createTransactions(
  file: OpenFile,
  { helpers, limits, clock }: { helpers: Helpers; limits: DurableLimits; clock: Clock },
): Transactions {
  const state: State = { file, helpers, limits, clock, turns: createTurns(), open: null, isClosed: false };
  return {
    file: () => state.file,
    isOpen: (tx) => tx === state.open,
    transact(change, { addsBytes = 0 } = {}) {
      if (state.open !== null) return join(state.open, change);
      return atOnce(state, () => attempt(state, change, addsBytes), addsBytes);
    },
    look(look) {
      return state.open === null ? atOnce(state, () => look(state.file.sql), 0) : look(state.open.sql);
    },
    transactLater: (change, addsBytes) => inTurn(state, () => attempt(state, change, addsBytes), addsBytes),
    read: (look) => inTurn(state, () => look(state.file.sql), 0),
    exclusively: (work) => inTurn(state, () => work(state.file), 0),
    close() {
      state.isClosed = true;
    },
  };
}

function attempt<T>(state: State, change: (tx: Transaction) => T, addsBytes: number): T {
  if (addsBytes > 0) state.helpers.holdReserve(addsBytes);
  const { database, sql } = state.file;
  const tx = openTransaction(sql);
  sql('BEGIN IMMEDIATE').run();
  state.open = tx;
  try {
    const result = change(tx);
    if (result instanceof Promise) throw new TypeError('Cannot commit: the change is asynchronous');
    if (tx.failure !== null) throw tx.failure.error;
    for (const finish of tx.committing) finish();
    sql('COMMIT').run();
    return result;
  } catch (error) {
    // A full disk or an I/O error may have rolled back already.
    if (database.isOpen && database.isTransaction) database.exec('ROLLBACK');
    tx.committed.length = 0;
    throw error;
  } finally {
    state.open = null;
    for (const tell of tx.committed) tellCommitted(tell);
  }
}

function join<T>(tx: OpenTransaction, change: (tx: Transaction) => T): T {
  try {
    return change(tx);
  } catch (error) {
    tx.failure ??= { error };
    throw error;
  }
}

/** What to do about a failed attempt: true to make another one at once, false to wait for others. Throws when there is no help. */
function createHelp(state: State, addsBytes: number): (error: unknown) => boolean {
  let [isRecovered, isRoomMade] = [false, addsBytes > 0];
  return (error) => {
    const code = faultCode(error);
    if (code === 'busy') return false;
    if (code === 'damaged' && !isRecovered) {
      state.file = state.helpers.recover(state.file, error);
      isRecovered = true;
    } else if (code === 'disk_full' && !isRoomMade) {
      state.helpers.makeRoom(state.file);
      isRoomMade = true;
    } else {
      throw translateFault(error, 'Cannot use the file');
    }
    return true;
  };
}

function checkOpen(state: State): void {
  if (state.isClosed) throw new DurableError('closed', 'Cannot use the file: it was closed');
}

/** Blocks the thread while another process has the file: nothing of ours stays open over turns. */
function atOnce<T>(state: State, work: () => T, addsBytes: number): T {
  checkOpen(state);
  const help = createHelp(state, addsBytes);
  const untilMs = performance.now() + state.limits.transactWaitMs;
  for (let delayMs = 1; ; delayMs = Math.min(delayMs * 2, 50)) {
    try {
      return state.turns.spend(work);
    } catch (error) {
      if (help(error)) continue;
      if (performance.now() >= untilMs) throw translateFault(error, 'Cannot use the file');
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, delayMs);
    }
  }
}

/** Runs work in a turn that has room for it, and waits for another process without blocking. */
async function inTurn<T>(state: State, work: () => T, addsBytes: number): Promise<T> {
  const { turns, clock, limits } = state;
  const help = createHelp(state, addsBytes);
  const untilMs = clock.nowMs() + limits.lockWaitMs;
  for (let delayMs = 1; ; ) {
    // Called within a change of somebody else, this waits for its end.
    while (turns.isSpent() || state.open !== null) await turns.next();
    checkOpen(state);
    try {
      return turns.spend(work);
    } catch (error) {
      if (help(error)) continue;
      if (clock.nowMs() >= untilMs) throw translateFault(error, 'Cannot use the file');
    }
    const waitMs = delayMs;
    await new Promise<void>((resolve) => clock.setTimer(resolve, waitMs));
    delayMs = Math.min(delayMs * 2, 50);
  }
}

function openTransaction(sql: Sql): OpenTransaction {
  const committing: (() => void)[] = [];
  const committed: (() => void)[] = [];
  return {
    sql,
    committing,
    committed,
    failure: null,
    onCommitting: (finish) => void committing.push(finish),
    onCommitted: (tell) => void committed.push(tell),
  };
}

/** Told in order, before the caller of the transaction goes on: what it throws cannot undo the commit, so it is a warning. */
function tellCommitted(tell: () => void): void {
  try {
    tell();
  } catch (error) {
    const message = `onCommitted failed after a commit: ${error instanceof Error ? error.stack : error}`;
    process.emitWarning(message, { type: 'DurableWarning', code: 'DURABLE_LISTENER_FAILED' });
  }
}

/** Whose commits and looks fall into one turn of the event loop add up; this spreads them over turns. */
function createTurns() {
  let spentMs = 0;
  let isFollowed = false;
  return {
    isSpent: () => spentMs > turnBudgetMs,
    next: () => new Promise((resolve) => setImmediate(resolve)),
    spend<T>(work: () => T): T {
      const startedMs = performance.now();
      try {
        return work();
      } finally {
        spentMs += performance.now() - startedMs;
        if (!isFollowed) {
          isFollowed = true;
          setImmediate(() => {
            spentMs = 0;
            isFollowed = false;
          });
        }
      }
    },
  };
}
