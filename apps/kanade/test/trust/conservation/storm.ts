/** Faults of agents, links and the broker, chosen by a seed: several at a time, each at most one of its victim's, each mended in the end. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ForgetfulBroker, Machine } from './machines.ts';
import type { LostSpan } from './oracle.ts';

export interface StormOptions {
  readonly machines: readonly Machine[];
  readonly broker: ForgetfulBroker;
  readonly faults: number;
  /** A crash of the broker takes what was written since its last sync with it. */
  readonly isForgetful: boolean;
  readonly random: () => number;
}

export interface Storm {
  /** How many faults have been done. */
  readonly done: number;
  readonly counts: Readonly<Record<string, number>>;
  readonly lostSpans: readonly LostSpan[];
  /** Resolves when all faults are mended. */
  readonly over: Promise<void>;
}

/** Most faults at the same time, and the longest that one lasts and that passes between two, in ms. */
const [atOnceMax, faultMsMax, pauseMsMax] = [3, 600, 150];

interface Fault {
  readonly name: string;
  /** How often it is chosen, against the others. */
  readonly weight: number;
  /** Whom it befalls; nobody suffers two at a time. */
  readonly victim: string;
  /** Does the damage; resolves when it is done. */
  strike(): void | Promise<void>;
  mend(): void | Promise<void>;
}

export function startStorm(options: StormOptions): Storm {
  const { faults, random } = options;
  const lostSpans: LostSpan[] = [];
  const all = [...options.machines.flatMap(faultsOfMachine), ...faultsOfBroker(options, lostSpans)];
  const counts: Record<string, number> = {};
  const struck = new Map<string, Promise<void>>();
  let done = 0;

  async function befall(fault: Fault, lastsMs: number): Promise<void> {
    await fault.strike();
    counts[fault.name] = (counts[fault.name] ?? 0) + 1;
    done++;
    await sleep(lastsMs);
    await fault.mend();
    struck.delete(fault.victim);
  }

  async function rage(): Promise<void> {
    for (let begun = 0; begun < faults; begun++) {
      while (struck.size >= atOnceMax) await Promise.race(struck.values());
      const fault = choose(
        all.filter(({ victim }) => !struck.has(victim)),
        random,
      );
      struck.set(fault.victim, befall(fault, random() * faultMsMax));
      await sleep(random() * pauseMsMax);
    }
    await Promise.all(struck.values());
  }

  const over = rage();
  return {
    get done() {
      return done;
    },
    counts,
    lostSpans,
    over,
  };
}

function choose(faults: readonly Fault[], random: () => number): Fault {
  let at = random() * faults.reduce((sum, { weight }) => sum + weight, 0);
  const found = faults.find(({ weight }) => {
    at -= weight;
    return at < 0;
  });
  if (!found) throw new Error('nothing is left to strike');
  return found;
}

function faultsOfMachine(machine: Machine): Fault[] {
  const { pcId, link } = machine;
  const agent = { victim: `agent ${pcId}` };
  const wire = { victim: `link ${pcId}`, mend: () => link.set('open') };
  return [
    { ...agent, name: 'agent killed', weight: 3, strike: machine.crash, mend: machine.start },
    { ...agent, name: 'agent frozen', weight: 3, strike: machine.freeze, mend: machine.thaw },
    { ...wire, name: 'link reset', weight: 1, strike: () => link.cut('reset') },
    { ...wire, name: 'link closed', weight: 1, strike: () => link.cut('close') },
    { ...wire, name: 'link stalled', weight: 2, strike: () => link.set('stalled') },
    { ...wire, name: 'link deaf', weight: 2, strike: () => link.set('deaf') },
    { ...wire, name: 'link down', weight: 1, strike: () => link.set('down') },
  ];
}

function faultsOfBroker({ broker, isForgetful }: StormOptions, lostSpans: LostSpan[]): Fault[] {
  const victim = 'broker';
  const crash: Fault = {
    victim,
    name: 'broker killed',
    weight: 4,
    strike: () => broker.stop('SIGKILL'),
    mend: () => broker.restart(),
  };
  const frozen: Fault = { victim, name: 'broker frozen', weight: 3, strike: broker.freeze, mend: broker.thaw };
  if (!isForgetful) return [crash, frozen];
  let syncedMs = performance.now();
  broker.sync();
  const synced: Fault = {
    victim,
    name: 'broker synced',
    weight: 12,
    strike() {
      broker.sync();
      syncedMs = performance.now();
    },
    mend: () => undefined,
  };
  const forgetting: Fault = {
    ...crash,
    name: 'broker killed, unsynced writes gone',
    strike: () => broker.stop('SIGKILL'),
    async mend() {
      await broker.loseUnsynced();
      lostSpans.push({ fromMs: syncedMs, toMs: performance.now() });
    },
  };
  return [forgetting, synced, frozen];
}
