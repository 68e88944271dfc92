/**
 * Pipes and who is at their other end; loaded on demand. Whether somebody still reads one: only a write tells, and who has nothing to
 * write would follow a silent job for ever after `| head -1`: so on Linux the system's list of open files is asked. And reading one
 * to its end, or for as long as somebody may still write into it.
 */
import { fstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** A place where the pipe is open for reading. */
interface Holder {
  readonly pid: string;
  readonly fd: string;
}

/**
 * A check of a descriptor of ours: true when it is a pipe whose readers we have seen and that have all gone. Where that
 * cannot be known (another system, no pipe, readers of another user) it stays false.
 */
export function createReaderCheck(fd: number): () => boolean {
  const pipe = process.platform === 'linux' && fstatSync(fd).isFIFO() ? readlinkSync(`/proc/self/fd/${fd}`) : undefined;
  if (pipe === undefined) return () => false;
  let holders = findHolders(pipe, isForReading);
  if (holders.length === 0) return () => false;
  return () => {
    const look = holders.map((holder) => isHeld(holder, pipe));
    if (look.some((held) => held !== false)) return false;
    holders = findHolders(pipe, isForReading); // handed on, perhaps
    return holders.length === 0;
  };
}

/** Undefined when we may not look: it runs as somebody else by now. */
function isHeld({ pid, fd }: Holder, pipe: string): boolean | undefined {
  try {
    return readlinkSync(`/proc/${pid}/fd/${fd}`) === pipe;
  } catch (error) {
    return ['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '') ? false : undefined;
  }
}

function findHolders(pipe: string, isMeant: (pid: string, fd: string) => boolean): Holder[] {
  const found: Holder[] = [];
  for (const pid of readdirSync('/proc')) {
    if (!/^\d+$/.test(pid) || pid === String(process.pid)) continue;
    try {
      for (const fd of readdirSync(`/proc/${pid}/fd`)) {
        if (isHeld({ pid, fd }, pipe) && isMeant(pid, fd)) found.push({ pid, fd });
      }
    } catch {
      // gone meanwhile, or somebody else's
    }
  }
  return found;
}

/** The last octal digits of the flags are the access mode: 0 is for reading alone, 1 for writing alone. */
function accessOf(pid: string, fd: string): number {
  const flags = /^flags:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'utf8'))?.[1] ?? '0';
  return Number.parseInt(flags, 8) & 3;
}

const isForReading = (pid: string, fd: string): boolean => accessOf(pid, fd) !== 1;
const isForWriting = (pid: string, fd: string): boolean => accessOf(pid, fd) !== 0;

/** True when a process that is none of our callers can write into a pipe that we read; false where that cannot be known. */
function hasWriterBesideUs(fd: number): boolean {
  if (process.platform !== 'linux' || !fstatSync(fd).isFIFO()) return false;
  const callers = callersOf(process.pid);
  return findHolders(readlinkSync(`/proc/self/fd/${fd}`), isForWriting).some(({ pid }) => !callers.has(pid));
}

/** The processes above one, itself too. */
function callersOf(pid: number): Set<string> {
  const callers = new Set<string>();
  for (let above = pid; above > 0 && !callers.has(String(above)); ) {
    callers.add(String(above));
    above = Number(/^PPid:\s*(\d+)/m.exec(readFileSync(`/proc/${above}/status`, 'utf8'))?.[1] ?? 0);
  }
  return callers;
}

/** How often it is looked whether somebody else can write into a silent pipe, in ms. */
const writerLookMs = 500;

/** A writer that is gone when we look may have written just before: what it left is read by the time of a further timer, in ms. */
const leftoverMs = 20;

export interface Patience {
  /** How long a silent input is waited for, in ms; undefined = to its end. */
  readonly silentMs: number | undefined;
  /** The same while a process that is none of our callers can write into it. */
  readonly silentWriterMs: number;
  readonly bytesMax: number;
}

/**
 * Reads stdin to its end; `silent` when it stayed so. As a stream, not with `fs.read`: a read that blocks a thread for ever
 * would keep the process from exiting.
 */
export function readToEnd({
  silentMs,
  silentWriterMs,
  bytesMax,
}: Patience): Promise<Uint8Array | 'silent' | 'too-large'> {
  const { stdin } = process;
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = [];
    let total = 0;
    const done = (settle: () => void): void => {
      clearTimeout(timer);
      stdin.pause();
      settle();
    };
    const startedMs = performance.now();
    const onSilence = (isLastLook: boolean): void => {
      if (chunks.length > 0) return;
      if (isLastLook) {
        done(() => resolve('silent'));
        return;
      }
      const isAwaited = performance.now() - startedMs < silentWriterMs && hasWriterBesideUs(0);
      timer = setTimeout(onSilence, isAwaited ? writerLookMs : leftoverMs, !isAwaited);
    };
    let timer = silentMs === undefined ? undefined : setTimeout(onSilence, silentMs, false);
    stdin.on('data', (chunk: Uint8Array) => {
      clearTimeout(timer);
      total += chunk.length;
      if (total > bytesMax) done(() => resolve('too-large'));
      else chunks.push(chunk);
    });
    stdin.once('end', () => done(() => resolve(Buffer.concat(chunks))));
    stdin.once('error', (error) => done(() => reject(error)));
  });
}
