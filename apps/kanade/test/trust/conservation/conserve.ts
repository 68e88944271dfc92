/** The whole of it: orders under faults, the end of the faults, the judgement, and a fresh order for each machine. */
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually, seeded, tempDir } from '@kanade/testkit';
import { answer } from '../../program.ts';
import { kill, processesOf } from '../site.ts';
import { type BrokerKind, startBrokers } from './brokers.ts';
import { type Machine, openMachine } from './machines.ts';
import { openOracle, type Verdict } from './oracle.ts';
import { startStorm } from './storm.ts';
import { openWire } from './wire.ts';

export interface ConserveOptions {
  readonly serverPath: string;
  readonly runs: number;
  readonly faults: number;
  readonly brokerKind: BrokerKind;
  /** How long nothing new may come before what is missing counts as lost, in ms. */
  readonly patienceMs: number;
  readonly seed: number;
}

export interface Conserved extends Verdict {
  readonly seed: number;
  /** How often each fault befell somebody. */
  readonly struck: Readonly<Record<string, number>>;
  /** Seconds of the storm, and from its end to the last ending. */
  readonly stormSecs: number;
  readonly settleSecs: number;
  /** Orders given to each machine after all that, that ended as they should. */
  readonly fresh: number;
  /** What the agents have logged, when something is wrong. */
  readonly logs: readonly string[];
}

const machineCount = 5;

export async function conserve(options: ConserveOptions): Promise<Conserved> {
  const { runs, faults, brokerKind, seed, patienceMs } = options;
  const random = seeded(seed);
  const dir = await tempDir();
  await using parts = new AsyncDisposableStack();
  parts.defer(() => dir[Symbol.asyncDispose]());
  const brokers = parts.use(
    await startBrokers(brokerKind, { dir: dir.path, path: options.serverPath, random: seeded(seed + 2) }),
  );
  await setUp(brokers.url);
  const wire = parts.use(openWire(brokers.ports));
  parts.defer(() => killAllOf(dir.path));
  const machines: Machine[] = [];
  for (let index = 1; index <= machineCount; index++) {
    machines.push(parts.use(await openMachine(dir.path, { pcId: `pc-${index}`, ports: brokers.ports })));
  }
  for (const machine of machines) machine.start();
  const oracle = openOracle({ wire, marks: `${dir.path}/ran`, random: seeded(seed + 1) });
  const startedMs = performance.now();
  const storm = startStorm({ machines, brokers, faults, random });
  // As many orders as faults by share, so that there are some to lose until the last fault.
  const pcOf = (index: number): string => machines[index % machines.length]?.pcId ?? '';
  const ordering = (async () => {
    for (let index = 0; index < runs; index++) {
      while (storm.done / faults < index / runs) await sleep(5);
      await oracle.order(pcOf(index));
    }
  })();
  await Promise.all([storm.over, ordering]);
  const calmMs = performance.now();
  await oracle.settle(patienceMs);
  const settledMs = performance.now();
  const before = await oracle.judge(brokers.lostSpans);
  const fresh = await Promise.all(machines.map(({ pcId }) => oracle.order(pcId)));
  await oracle.settle(patienceMs, fresh);
  const verdict = await oracle.judge(brokers.lostSpans);
  return {
    ...verdict,
    seed,
    struck: storm.counts,
    stormSecs: seconds(calmMs - startedMs),
    settleSecs: seconds(settledMs - calmMs),
    fresh: verdict.ended - before.ended,
    logs: verdict.faults.length === 0 ? [] : machines.map((machine) => machine.log()),
  };
}

/** A cluster chooses its leaders first. */
async function setUp(url: string): Promise<void> {
  await eventually('the streams are there', async () => {
    const told = await answer(['fleet', 'setup'], { env: { KANADE_NATS_URL: url } });
    return told.error === undefined;
  });
}

const seconds = (ms: number): number => Math.round(ms / 10) / 100;

/** Jobs outlive their agents: whatever still runs in this place goes. */
async function killAllOf(path: string): Promise<void> {
  for (let left = processesOf(path); left.length > 0; left = processesOf(path)) {
    for (const pid of left) kill(pid);
    await sleep(10);
  }
}
