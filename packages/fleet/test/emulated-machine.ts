import { randomUUID } from 'node:crypto';
import { type Command, type ExecResult, readCommand } from '@kanade/shared/fleet';
import { connectFleet, type Fleet } from '../src/index.ts';

export interface Emulated extends AsyncDisposable {
  /** Orders as they came. */
  readonly orders: Command[];
  /** Publishes the result of an order. */
  answer(order: Pick<Command, 'request_id' | 'exec_id' | 'id'>, more?: Partial<ExecResult>): Promise<void>;
}

export interface EmulatedOptions {
  readonly pc: string;
  readonly groups?: readonly string[];
  /** What it does with an order; default: it answers with exit code 0. */
  onOrder?(order: Command, machine: Emulated): void;
  /** What it does when it is told to stop a run; default: nothing. */
  onKill?(execId: string, machine: Emulated): void;
}

/** A machine as the operator sees it: it answers pings and orders, without running anything. */
export async function emulateMachine(url: string, options: EmulatedOptions): Promise<Emulated> {
  const { pc, groups = [], onOrder = (order, machine) => void machine.answer(order), onKill } = options;
  const fleet: Fleet = await connectFleet({ servers: url, name: `emulated ${pc}` });
  const { connection, jetstream } = fleet;
  const machine: Emulated = {
    orders: [],
    async answer({ request_id, exec_id, id }, more = {}) {
      const at = new Date().toISOString();
      const result: ExecResult = {
        ...{ result_id: randomUUID(), request_id, exec_id, pc_id: pc, manifest_id: id, exit_code: 0 },
        ...{ skipped: false, stdout: `${pc}\n`, stderr: '', started_at: at, finished_at: at, ending: 'exited' },
        ...more,
      };
      await jetstream.publish(`results.${request_id}`, JSON.stringify(result));
    },
    [Symbol.asyncDispose]: () => fleet[Symbol.asyncDispose](),
  };
  connection.subscribe(`agents.${pc}.ping`, {
    callback: (_, message) =>
      void message.respond(JSON.stringify({ pc_id: pc, at: new Date().toISOString(), agent_version: '0' })),
  });
  for (const subject of [
    'commands.all.>',
    `commands.pc.${pc}.>`,
    ...groups.map((name) => `commands.group.${name}.>`),
  ]) {
    connection.subscribe(subject, {
      callback: (_, message) => {
        const read = readCommand(message.json());
        if (!read.ok || machine.orders.some(({ request_id }) => request_id === read.value.request_id)) return;
        machine.orders.push(read.value);
        onOrder(read.value, machine);
      },
    });
  }
  connection.subscribe('kill.>', { callback: (_, { subject }) => onKill?.(subject.slice('kill.'.length), machine) });
  await connection.flush();
  return machine;
}
