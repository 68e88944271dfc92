import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { type Handlers, KlpError, serveConnection } from '@kanade/klp';
import { listenLocal } from '@kanade/klp/socket';
import {
  type DiagnosticsPreview,
  isEnded,
  type JobProgress,
  type JobRun,
  type LocalNotification,
  localContract,
  type UnlockGrant,
} from '@kanade/shared/local';
import { eventually, tempDir } from '@kanade/testkit';
import { describe, expect, it } from 'vitest';
import type { AgentEvent } from '../src/run/board.ts';
import { openLink } from '../src/server/link.ts';
import { exampleJobs, noOffers } from './memory-agent.ts';

const snapshot = { pc_id: 'desk-042', online: true, checks: [], agent_version: '9.1.0', target_version: '9.1.0' };

interface AgentOptions {
  /** False: an agent from before the subscriptions. */
  readonly hasSubscriptions?: boolean;
  /** The last run of its first job; a list that is too large instead. */
  readonly lastRun?: JobRun | 'too large';
  /** True: notifications, support codes and the log, too. */
  readonly offersAll?: boolean;
  /** False: this user is refused. */
  readonly isWelcome?: boolean;
  /** Endings that it tells whoever subscribes. */
  readonly missed?: readonly JobProgress[];
}

const at = '2026-03-01T10:00:00Z';

function notice(id: string): LocalNotification {
  return { id, priority: 'info', title: `Title ${id}`, body: 'Text', issued_at: at };
}

const grant: UnlockGrant = { scope: 'repair', label: 'Repair tools', expires_at: at };

const previewed: DiagnosticsPreview = {
  preview: 'p-1',
  expires_at: at,
  files: [{ name: 'message.txt', text: 'a', size_bytes: 1 }],
  size_bytes: 1,
};

const longOutput = `${'a line of many\n'.repeat(40_000)}the very end\n`;

/** Notifications in pages of one, support codes and the log. */
function furtherHandlers(asked: string[]): Partial<Handlers<typeof localContract, unknown, unknown>> {
  return {
    'jobs.output': ({ stream, from = 0 }) => {
      const text = stream === 'stdout' ? longOutput : '';
      const begin = Math.min(from, text.length);
      const to = Math.min(begin + 128 * 1024, text.length);
      if (to > begin) asked.push(`output ${to - begin}`);
      // The agent counts bytes: what is kept may begin within a character.
      const isCut = begin === longOutput.length - 256 * 1024;
      return {
        text: `${isCut ? '\ufffd' : ''}${text.slice(begin, to)}`,
        from: begin,
        to,
        total_bytes: text.length,
        ended: true,
      };
    },
    'notifications.subscribe': () => ({ subscription: 'sub-n-1' }),
    'notifications.list': (params) =>
      params?.cursor === 'second' ? { items: [notice('n2')] } : { items: [notice('n1')], next_cursor: 'second' },
    'notifications.ack': async ({ id }, { push }) => {
      asked.push(`ack ${id}`);
      await push('jobs.changed', { at });
      await push('notifications.new', notice('n3'));
      await push('notifications.amended', { id: 'n2', op: { kind: 'recall' } });
      return { acked_at: at };
    },
    'notifications.unack': ({ id }) => {
      asked.push(`unack ${id}`);
      return { unacked_at: at };
    },
    'support.status': () => ({ grants: [] }),
    'support.unlock': ({ code }) => {
      if (code !== 'right') throw new KlpError('Unauthorized');
      return { grants: [grant] };
    },
    'support.lock': () => {
      asked.push('lock');
      return { released: 1 };
    },
    'support.preview_diagnostics': (params) => {
      asked.push(`preview ${params?.summary} ${params?.contact}`);
      return previewed;
    },
    'support.upload_diagnostics': (params) => {
      if (params?.preview !== 'p-1') throw new KlpError('NotFound');
      return { object_key: 'k', size_bytes: 5, queued: true };
    },
    'system.log_tail': (params) => ({ lines: [`last of ${params?.lines}`], truncated: true }),
  };
}

/** An agent on a real socket that serves the few methods of this program. */
async function serveAgent(path: string, options: AgentOptions = {}) {
  const { hasSubscriptions = true, offersAll = false, isWelcome = true, lastRun, missed = [] } = options;
  const asked: string[] = [];
  const connections = new Set<AsyncDisposable>();
  const subscribed: Partial<Handlers<typeof localContract, unknown, unknown>> = hasSubscriptions
    ? {
        'jobs.subscribe': async (params, { push }) => {
          asked.push(`subscribe since ${params?.since ?? 'ever'}`);
          for (const progress of missed) await push('jobs.progress', progress);
          return { subscription: 'sub-j-1' };
        },
        'state.subscribe': () => ({ subscription: 'sub-s-1' }),
      }
    : {};
  const listener = await listenLocal({
    path,
    contract: localContract,
    accept: () => (isWelcome ? { ok: true } : { ok: false, reason: 'not welcome' }),
    onConnection(duplex, peer) {
      const connection = serveConnection(duplex, {
        contract: localContract,
        peer,
        handlers: {
          ...subscribed,
          ...(offersAll ? furtherHandlers(asked) : {}),
          'system.handshake': (params) => {
            asked.push(`handshake ${params.client} ${params.client_version}`);
            const session = { user: 'yuki', session_id: 1000, pc_id: 'desk-042' };
            const features = offersAll ? ['support.diagnostics'] : [];
            return { protocol: 1, agent_version: '9.1.0', features, session, client_display_name: 'PC Care' };
          },
          'state.snapshot': () => snapshot,
          'jobs.list': (params) => {
            if (lastRun === 'too large') throw new KlpError('PayloadTooLarge');
            const items = exampleJobs.map((job, at) => (at === 0 && lastRun ? { ...job, last_run: lastRun } : job));
            // One job in each message, as a catalogue comes that does not fit into one.
            const from = Number(params?.cursor ?? 0);
            return {
              items: items.slice(from, from + 1),
              ...(items[from + 1] ? { next_cursor: String(from + 1) } : {}),
            };
          },
          'jobs.execute': async ({ id }, { push }) => {
            if (id === 'no-such-job') throw new KlpError('NotFound');
            if (id === 'not-for-you') throw new KlpError('Unauthorized');
            if (id === 'broken') throw new Error('secret');
            await push('jobs.progress', { run_id: 'r1', status: 'running', job_id: id, stdout_chunk: 'hello\n' });
            if (id === 'long') {
              const stdout_chunk = longOutput.slice(0, 256 * 1024);
              await push('jobs.progress', {
                run_id: 'r1',
                status: 'completed',
                exit_code: 0,
                truncated: true,
                stdout_chunk,
              });
            }
            return { run_id: 'r1' };
          },
          'jobs.kill': ({ run_id }) => {
            asked.push(`kill ${run_id}`);
            return { requested_at: '2026-03-01T10:00:00Z' };
          },
        },
      });
      connections.add(connection);
    },
  });
  return {
    asked,
    async [Symbol.asyncDispose]() {
      await listener.close();
      await Promise.all([...connections].map((connection) => connection[Symbol.asyncDispose]()));
    },
  };
}

function openTestLink(socketPath: string) {
  const events: AgentEvent[] = [];
  const faults: string[] = [];
  const link = openLink({
    socketPath,
    version: '1.2.3',
    onEvent: (event) => events.push(event),
    onFault: (fault) => faults.push(fault),
  });
  const phase = () => events.findLast((event) => event.type === 'connection')?.connection.phase;
  return { link, events, faults, phase };
}

const signal = new AbortController().signal;

describe('openLink()', () => {
  it('connects, lists, runs and stops, and passes on what the agent says', async () => {
    await using directory = await tempDir();
    const path = join(directory.path, 'agent.sock');
    await using agent = await serveAgent(path);
    const { link, events, faults, phase } = openTestLink(path);
    await using _link = link;
    await eventually('connected', () => phase() === 'connected');
    expect(await link.listJobs({ signal })).toEqual({ items: exampleJobs });
    expect(await link.execute('disk-report', { signal })).toMatchObject({ run_id: 'r1' });
    await link.kill('r1', { signal });
    expect(agent.asked).toEqual(['handshake kanade-client 1.2.3', 'subscribe since ever', 'kill r1']);
    expect(events).toEqual([
      { type: 'snapshot', snapshot },
      { type: 'offers', offers: noOffers, notices: [], grants: [] },
      {
        type: 'connection',
        connection: {
          phase: 'connected',
          agent: { version: '9.1.0', pcId: 'desk-042', user: 'yuki', displayName: 'PC Care' },
        },
      },
      {
        type: 'progress',
        progress: { run_id: 'r1', status: 'running', job_id: 'disk-report', stdout_chunk: 'hello\n' },
      },
    ]);
    expect(faults).toEqual([]);
  });

  it('asks on each connection how runs ended, and goes without when the list cannot be had', async () => {
    await using directory = await tempDir();
    const path = join(directory.path, 'agent.sock');
    const last_run = { run_id: 'r7', status: 'failed', started_at: '2026-03-01T10:00:00Z', exit_code: 3 } as const;
    const first = await serveAgent(path, { lastRun: last_run });
    const { link, events, phase } = openTestLink(path);
    await using _link = link;
    await eventually('connected', () => phase() === 'connected');
    expect(events).toContainEqual({ type: 'ended', progress: { ...last_run, job_id: 'disk-report' } });
    await first[Symbol.asyncDispose]();
    await eventually('away', () => phase() !== 'connected');
    await using _second = await serveAgent(path, { lastRun: 'too large' });
    await eventually('connected again', () => phase() === 'connected');
    await expect(link.listJobs({ signal })).rejects.toMatchObject({ code: 'internal' });
  });

  it('passes on notifications, support codes and the log of an agent that has them', async () => {
    await using directory = await tempDir();
    const path = join(directory.path, 'agent.sock');
    await using agent = await serveAgent(path, { offersAll: true });
    const { link, events, faults, phase } = openTestLink(path);
    await using _link = link;
    await eventually('connected', () => phase() === 'connected');
    expect(events.find((event) => event.type === 'offers')).toEqual({
      type: 'offers',
      offers: { notifications: true, support: true, log: true, diagnostics: true },
      notices: [notice('n1'), notice('n2')],
      grants: [],
    });
    expect(await link.acknowledge('n1', { signal })).toEqual({ acked_at: '2026-03-01T10:00:00Z' });
    await link.withdraw('n1', { signal });
    await expect(link.unlock('wrong', { signal })).rejects.toMatchObject({ code: 'not_allowed' });
    expect(await link.unlock('right', { signal })).toEqual([grant]);
    await link.lock({ signal });
    const words = { summary: 'a', detail: '', contact: 'b' };
    expect(await link.previewDiagnostics(words, { signal })).toEqual(previewed);
    await expect(link.sendDiagnostics('another', { signal })).rejects.toMatchObject({ code: 'not_found' });
    expect(await link.sendDiagnostics('p-1', { signal })).toEqual({ object_key: 'k', size_bytes: 5, queued: true });
    expect(await link.readLog({ signal })).toEqual({ lines: ['last of 1000'], truncated: true });
    expect(agent.asked.slice(2)).toEqual(['ack n1', 'unack n1', 'lock', 'preview a b']);
    await eventually('the pushes', () => events.some((event) => event.type === 'recalled'));
    expect(events.filter(({ type }) => ['offered', 'notice', 'recalled'].includes(type))).toEqual([
      { type: 'offered' },
      { type: 'notice', notice: notice('n3') },
      { type: 'recalled', id: 'n2' },
    ]);
    expect(faults).toEqual([]);
  });

  it('reads the end of a long output that it has watched, in place of the beginning that the last push holds', async () => {
    await using directory = await tempDir();
    const path = join(directory.path, 'agent.sock');
    await using agent = await serveAgent(path, { offersAll: true });
    const { link, events, phase } = openTestLink(path);
    await using _link = link;
    await eventually('connected', () => phase() === 'connected');
    await link.execute('long', { signal });
    const ended = () => events.find((event) => event.type === 'progress' && event.progress.status === 'completed');
    const event = await eventually('the end', ended);
    const {
      stdout_chunk = '',
      stdout_from,
      stderr_chunk,
    } = event?.type === 'progress' ? event.progress : { stderr_chunk: '?' };
    expect([stdout_from, stdout_chunk.length, stderr_chunk]).toEqual([longOutput.length - 256 * 1024, 256 * 1024, '']);
    expect(stdout_chunk.endsWith('the very end\n')).toBe(true);
    // No more is read than is kept.
    expect(agent.asked.filter((asked) => asked.startsWith('output'))).toEqual(['output 131072', 'output 131072']);
  });

  it('asks after a break for what ended since, tells each ending once, and has the end of a long output of one that it had watched', async () => {
    await using directory = await tempDir();
    const path = join(directory.path, 'agent.sock');
    const ended = (run_id: string, finished_at: string): JobProgress => ({
      run_id,
      finished_at,
      status: 'completed',
      exit_code: 0,
      stdout_chunk: 'beginning\n',
      stdout_from: 0,
      truncated: true,
    });
    const missed = [ended('r0', '2026-03-01T10:00:00.000Z')];
    const first = await serveAgent(path, { offersAll: true, missed });
    const { link, events, phase } = openTestLink(path);
    await using _link = link;
    await eventually('connected', () => phase() === 'connected');
    await link.execute('disk-report', { signal });
    await eventually('r1 runs', () => events.some(({ type }) => type === 'progress'));
    await first[Symbol.asyncDispose]();
    await eventually('away', () => phase() !== 'connected');

    await using second = await serveAgent(path, {
      offersAll: true,
      missed: [...missed, ended('r1', '2026-03-01T10:05:00.000Z')],
    });
    const endings = () =>
      events.flatMap((event) => (event.type === 'progress' && isEnded(event.progress.status) ? [event.progress] : []));
    await eventually('the end of r1', () => endings().length > 1);
    expect([first.asked[1], second.asked[1]]).toEqual([
      'subscribe since ever',
      'subscribe since 2026-03-01T09:59:00.000Z',
    ]);
    expect(endings().map(({ run_id }) => run_id)).toEqual(['r0', 'r1']);
    expect(endings()[1]?.stdout_chunk?.endsWith('the very end\n')).toBe(true);
  });

  it('works with an agent that has no subscriptions', async () => {
    await using directory = await tempDir();
    const path = join(directory.path, 'agent.sock');
    await using _agent = await serveAgent(path, { hasSubscriptions: false });
    const { link, phase } = openTestLink(path);
    await using _link = link;
    await eventually('connected', () => phase() === 'connected');
    expect((await link.listJobs({ signal })).items).toHaveLength(exampleJobs.length);
  });

  it.each([
    ['no-such-job', 'not_found'],
    ['not-for-you', 'not_allowed'],
    ['broken', 'internal'],
  ])('rejects a run of %s with %s', async (jobId, code) => {
    await using directory = await tempDir();
    const path = join(directory.path, 'agent.sock');
    await using _agent = await serveAgent(path);
    const { link, phase } = openTestLink(path);
    await using _link = link;
    await eventually('connected', () => phase() === 'connected');
    await expect(link.execute(jobId, { signal })).rejects.toMatchObject({ name: 'LinkError', code });
  });

  it('is away while there is no agent, and connects when one comes, and again after a restart', async () => {
    await using directory = await tempDir();
    const path = join(directory.path, 'agent.sock');
    const { link, phase, events } = openTestLink(path);
    await using _link = link;
    await eventually('away', () => phase() === 'away');
    expect(events.at(-1)).toMatchObject({ connection: { detail: expect.stringContaining(path) } });
    await expect(link.listJobs({ signal })).rejects.toMatchObject({ code: 'away' });
    const first = await serveAgent(path);
    await eventually('connected', () => phase() === 'connected');
    await first[Symbol.asyncDispose]();
    await eventually('away again', () => phase() === 'away');
    await using _second = await serveAgent(path);
    await eventually('connected again', () => phase() === 'connected');
  });

  it('says nothing to an agent that somebody else could have put there, and tells why', async () => {
    await using directory = await tempDir();
    const path = join(directory.path, 'agent.sock');
    await using agent = await serveAgent(path);
    await chmod(directory.path, 0o777);
    const { link, phase, events } = openTestLink(path);
    await using _link = link;
    await eventually('away', () => phase() === 'away');
    expect(events.at(-1)).toMatchObject({
      connection: { detail: expect.stringMatching(/can be written by everybody.*nothing was sent$/) },
    });
    expect(agent.asked).toEqual([]);
    await chmod(directory.path, 0o755);
    await eventually('connected', () => phase() === 'connected');
  });

  it('stops trying where this user is refused, and says so', async () => {
    await using directory = await tempDir();
    const path = join(directory.path, 'agent.sock');
    await using _agent = await serveAgent(path, { isWelcome: false });
    const { link, phase, events } = openTestLink(path);
    await using _link = link;
    await eventually('refused', () => phase() === 'refused');
    expect(events.at(-1)).toMatchObject({ connection: { detail: expect.stringContaining('not welcome') } });
    await expect(link.execute('disk-report', { signal })).rejects.toMatchObject({ code: 'refused' });
  });
});
