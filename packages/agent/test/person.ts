import { type Call, connectClient } from '@kanade/klp';
import { dialLocal } from '@kanade/klp/socket';
import {
  isEnded,
  type JobProgress,
  type LocalNotification,
  localContract,
  type StateSnapshot,
} from '@kanade/shared/local';
import { eventually } from '@kanade/testkit';
import { onTestFinished } from 'vitest';

/** A person at the machine: a KLP client that remembers what it was shown. */
export interface Person {
  readonly call: Call<typeof localContract>;
  /** Every push of one run so far. */
  pushes(runId: string): JobProgress[];
  /** All output shown of one run so far; the last push replaces what was shown before. */
  shown(runId: string): string;
  start(jobId: string): Promise<string>;
  /** Resolves with the last push of a run. */
  end(runId: string): Promise<JobProgress>;
  /** Resolves when the output shown matches, with the match. */
  sees(runId: string, pattern: RegExp): Promise<RegExpExecArray>;
  /** Every state that was pushed. */
  readonly states: readonly StateSnapshot[];
  /** Every notification that was pushed, and the ids of those that were recalled. */
  readonly notices: readonly LocalNotification[];
  readonly recalled: readonly string[];
  /** How often it was told that the catalogue is another one. */
  changes(): number;
  close(): Promise<void>;
}

export async function openPerson(socket: string, { subscribe = false } = {}): Promise<Person> {
  const seen: JobProgress[] = [];
  const states: StateSnapshot[] = [];
  const notices: LocalNotification[] = [];
  const recalled: string[] = [];
  let changeCount = 0;
  const client = connectClient({
    contract: localContract,
    dial: ({ signal }) => dialLocal({ path: socket, signal }),
    handshake: { client: 'test', client_version: '0', protocol: [1] },
    onConnected: async ({ call }) => {
      if (subscribe) await call('jobs.subscribe');
    },
    onPush: (push) => {
      if (push.method === 'jobs.progress') seen.push(push.params);
      if (push.method === 'jobs.changed') changeCount += 1;
      if (push.method === 'notifications.new') notices.push(push.params);
      if (push.method === 'notifications.amended') recalled.push(push.params.id);
      if (push.method === 'state.changed') states.push(push.params.snapshot);
    },
  });
  onTestFinished(() => client.close());
  await client.ready();
  const pushes = (runId: string): JobProgress[] => seen.filter((one) => one.run_id === runId);
  const shown = (runId: string): string => {
    const all = pushes(runId);
    const last = all.find(({ status }) => isEnded(status));
    return (last ? [last] : all).map((one) => `${one.stdout_chunk ?? ''}${one.stderr_chunk ?? ''}`).join('');
  };
  return {
    call: client.call,
    pushes,
    shown,
    start: async (id) => (await client.call('jobs.execute', { id })).run_id,
    end: (runId) => eventually(`the end of run ${runId}`, () => pushes(runId).find(({ status }) => isEnded(status))),
    sees: (runId, pattern) => eventually(`${pattern} in the output of ${runId}`, () => pattern.exec(shown(runId))),
    states,
    notices,
    recalled,
    changes: () => changeCount,
    close: () => client.close(),
  };
}
