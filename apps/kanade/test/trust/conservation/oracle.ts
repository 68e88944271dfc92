/** Who knows every order that was issued and every one that was accepted, and judges afterwards by what the streams hold. */
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LostSpan } from './brokers.ts';
import { boundsOf, messageAt, objectIn, type Wire } from './wire.ts';

/** An order, and what must come of it. */
export interface Issued {
  readonly requestId: string;
  readonly pcId: string;
  readonly exitCode: number;
  readonly outputBytes: number;
  /** When the broker said that it keeps it, by this process's clock; undefined until then. */
  acceptedMs?: number;
}

export interface Verdict {
  readonly accepted: number;
  /** Accepted ones with an ending in RESULTS. */
  readonly ended: number;
  /** Accepted ones without an ending, or with one that nobody knows, although no machine was started anew. */
  readonly lost: number;
  /** Orders that ran twice, or stand in RESULTS twice. */
  readonly doubled: number;
  /** Endings with another exit code or output than the script's own, and successes of what never ran. */
  readonly wrong: number;
  /** Endings and runs of orders that nobody issued. */
  readonly unknown: number;
  /** Accepted in a span that the broker threw away, before any machine had them. */
  readonly forgottenOrders: number;
  /** What is wrong, in words. */
  readonly faults: readonly string[];
}

interface Result {
  readonly request_id: string;
  readonly exit_code: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly stdout_object?: string;
  readonly ending?: string;
}

export interface Oracle {
  /** Issues an order and insists until the broker has accepted it. */
  order(pcId: string): Promise<Issued>;
  /** Resolves when each of these orders, default all, has an ending, or when nothing more has come for `patienceMs`. */
  settle(patienceMs: number, orders?: readonly Issued[]): Promise<void>;
  judge(lostSpans: readonly LostSpan[]): Promise<Verdict>;
}

export interface OracleOptions {
  readonly wire: Wire;
  /** Where each script leaves a line of its own. */
  readonly marks: string;
  readonly random: () => number;
}

export function openOracle({ wire, marks, random }: OracleOptions): Oracle {
  mkdirSync(marks);
  const issued = new Map<string, Issued>();
  const results = new Map<string, Result[]>();
  let read = 0;

  /** Reads what RESULTS holds beyond what was read; returns whether there was anything. */
  async function readOn(): Promise<boolean> {
    const { first, last } = await boundsOf(wire, 'RESULTS');
    const before = read;
    for (read = Math.max(read, first - 1); read < last; read++) {
      const message = await messageAt(wire, 'RESULTS', { seq: read + 1 });
      if (!message) continue;
      const result = JSON.parse(message.bytes.toString('utf8')) as Result;
      results.set(result.request_id, [...(results.get(result.request_id) ?? []), result]);
    }
    return read > before;
  }

  return {
    async order(pcId) {
      const one = drawOrder(pcId, { count: issued.size, random });
      issued.set(one.requestId, one);
      // A job of its own for each: nothing that is accepted is replaced by a later order.
      await wire.insist(`commands.pc.${pcId}.job-${one.requestId}`, bodyOf(one, { marks, random }));
      one.acceptedMs = performance.now();
      return one;
    },
    async settle(patienceMs, orders = [...issued.values()]) {
      const isMissing = ({ requestId }: Issued): boolean => !results.has(requestId);
      for (let lastMs = performance.now(); orders.some(isMissing); await sleep(20)) {
        if (await readOn()) lastMs = performance.now();
        if (performance.now() - lastMs > patienceMs) return;
      }
    },
    async judge(lostSpans) {
      const judged = [...issued.values()].map((one) => judgeOne(one, results.get(one.requestId) ?? [], marks));
      for (const one of judged) if (one.result) one.faults.push(...(await judgeOutput(wire, one)));
      const strangers = [...results.keys(), ...readdirSync(marks)].filter((id) => !issued.has(id));
      return summarize(judged, strangers, lostSpans);
    },
  };
}

/** Most print a line, one in eight more than a message carries; some fail, some take a while. */
function drawOrder(pcId: string, { count, random }: { count: number; random: () => number }): Issued {
  const outputBytes = random() < 1 / 8 ? 270_000 + Math.floor(random() * 300_000) : Math.floor(random() * 2_000);
  const exitCode = random() < 1 / 4 ? 1 + Math.floor(random() * 99) : 0;
  return { requestId: `order-${count}`, pcId, exitCode, outputBytes };
}

function bodyOf(
  { requestId, exitCode, outputBytes }: Issued,
  { marks, random }: Pick<OracleOptions, 'marks' | 'random'>,
): string {
  const pauseSecs = random() < 1 / 3 ? (random() * 0.5).toFixed(2) : '0';
  const lines = [
    `echo ran >> ${marks}/${requestId}`,
    `sleep ${pauseSecs}`,
    `yes ${requestId} | head -c ${outputBytes}`,
    `exit ${exitCode}`,
  ];
  const id = `job-${requestId}`;
  return JSON.stringify({
    id,
    version: '1',
    request_id: requestId,
    exec_id: `exec-${requestId}`,
    shell: 'sh',
    script: lines.join('\n'),
    timeout_secs: 300,
  });
}

interface Judged {
  readonly one: Issued;
  readonly result: Result | undefined;
  readonly runs: number;
  readonly endings: number;
  readonly faults: string[];
}

function judgeOne(one: Issued, results: readonly Result[], marks: string): Judged {
  const mark = `${marks}/${one.requestId}`;
  const runs = existsSync(mark) ? readFileSync(mark, 'utf8').split('ran\n').length - 1 : 0;
  return { one, result: results[0], runs, endings: results.length, faults: [] };
}

async function judgeOutput(wire: Wire, { one, result, runs }: Judged): Promise<string[]> {
  if (!result) return [];
  const { requestId, exitCode, outputBytes } = one;
  if (result.exit_code !== exitCode) return [`${requestId} ended with ${result.exit_code} instead of ${exitCode}`];
  if (runs === 0) return [`${requestId} is said to have ended with ${exitCode} and never ran`];
  const found = result.stdout_object
    ? await objectIn(wire, 'result_output', result.stdout_object)
    : Buffer.from(result.stdout);
  const line = `${requestId}\n`;
  const expected = Buffer.from(line.repeat(Math.ceil(outputBytes / line.length)).slice(0, outputBytes));
  return found?.equals(expected)
    ? []
    : [`${requestId} has ${found?.length ?? 'no'} bytes of output instead of ${outputBytes}`];
}

const isUnknown = (result: Result): boolean => result.ending === 'lost';

function summarize(judged: readonly Judged[], strangers: readonly string[], spans: readonly LostSpan[]): Verdict {
  const accepted = judged.filter(({ one }) => one.acceptedMs !== undefined);
  const missing = accepted.filter(({ result }) => !result);
  const isInSpan = ({ one }: Judged): boolean =>
    spans.some(({ fromMs, toMs }) => fromMs <= (one.acceptedMs ?? 0) && (one.acceptedMs ?? 0) <= toMs);
  const forgottenOrders = missing.filter((each) => each.runs === 0 && isInSpan(each));
  const lost = [
    ...missing.filter((each) => !forgottenOrders.includes(each)),
    ...accepted.filter(({ result }) => result && isUnknown(result)),
  ];
  const doubled = judged.filter(({ runs, endings }) => runs > 1 || endings > 1);
  const wrong = judged.filter(({ faults, result }) => faults.length > 0 && result && !isUnknown(result));
  return {
    accepted: accepted.length,
    ended: accepted.length - missing.length,
    lost: lost.length,
    doubled: doubled.length,
    wrong: wrong.length,
    unknown: new Set(strangers).size,
    forgottenOrders: forgottenOrders.length,
    faults: [
      ...lost.map(({ one, runs, result }) => {
        const why = result ? `ended with ${result.exit_code} (${result.stderr.trim()})` : 'has no ending';
        return `${one.requestId} of ${one.pcId} ${why} and ran ${runs} times`;
      }),
      ...doubled.map(({ one, runs, endings }) => `${one.requestId} ran ${runs} times and ended ${endings} times`),
      ...wrong.flatMap(({ faults }) => faults),
      ...strangers.map((id) => `${id} was never issued`),
    ],
  };
}
