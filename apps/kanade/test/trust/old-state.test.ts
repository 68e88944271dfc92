/**
 * What earlier builds left on disk is taken up by this one. The directories in `old/` were written by the build that their
 * name says and are never made anew: one entry per file, its text, or its bytes with gzip.
 *
 * `jobs-0.1.0.json` has a job of each state, told apart by its tag. `agent-0.1.0.json` is the data directory of an agent that was
 * killed: one order delivered, two running, one admitted and waiting, one click ended while the broker was away, one job of
 * the catalogue known from the broker.
 */
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { eventually, natsServers, startNatsServer } from '@kanade/testkit';
import { describe, expect, it } from 'vitest';
import { openPlainBroker, orderOf } from './plain-broker.ts';
import { openPlainPerson } from './plain-person.ts';
import { openSite } from './site.ts';

type Packed = Record<string, string | { gzip: string }>;

function unpack(name: string, to: string): void {
  const files = JSON.parse(readFileSync(new URL(`./old/${name}.json`, import.meta.url), 'utf8')) as Packed;
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(`${to}/${path}`), { recursive: true, mode: 0o700 });
    const bytes = typeof content === 'string' ? content : gunzipSync(Buffer.from(content.gzip, 'base64'));
    writeFileSync(`${to}/${path}`, bytes, { mode: 0o600 });
  }
}

interface OldJob {
  readonly job_id: string;
  readonly state: string;
  readonly tags?: readonly string[];
}

describe('a jobs root of 0.1.0', () => {
  const tagOf = (job: OldJob): string => job.tags?.[0] ?? 'none';

  it('is listed with the state of each job', async () => {
    await using site = await openSite();
    unpack('jobs-0.1.0', site.root);
    const { jobs } = (await site.answer(['list', '--all', '--limit', '0'])) as unknown as { jobs: OldJob[] };
    expect(Object.fromEntries(jobs.map((job) => [tagOf(job), job.state]))).toEqual({
      'old.exited': 'exited',
      'old.success': 'exited',
      'old.stdin': 'exited',
      'old.signaled': 'killed',
      'old.timeout': 'killed',
      'old.killed': 'killed',
      'old.created': 'created',
      'old.notified': 'exited',
      'old.running': 'failed',
    });
  });

  it('answers for each job as the build that wrote it did, and never calls a lost one a success', async () => {
    await using site = await openSite();
    unpack('jobs-0.1.0', site.root);
    const { jobs } = (await site.answer(['list', '--all', '--limit', '0'])) as unknown as { jobs: OldJob[] };
    const idOf = (tag: string): string => jobs.find((job) => tagOf(job) === tag)?.job_id ?? '';
    const status = (tag: string) => site.answer(['status', idOf(tag)]);
    expect(await status('old.exited')).toMatchObject({ state: 'exited', exit_code: 3, ending: 'exited' });
    expect(await status('old.success')).toMatchObject({ exit_code: 0, ending: 'exited' });
    expect(await status('old.signaled')).toMatchObject({ state: 'killed', ending: 'signaled' });
    expect(await status('old.timeout')).toMatchObject({ ending: 'timed_out' });
    expect(await status('old.killed')).toMatchObject({ ending: 'killed', ended_by: 'user' });
    const lost = await status('old.running');
    expect(lost).toMatchObject({ state: 'failed', ending: 'lost' });
    expect(lost).not.toHaveProperty('exit_code', 0);
    expect(await site.answer(['tail', idOf('old.exited')])).toMatchObject({ stdout: 'out\n', stderr: 'err\n' });
    expect(JSON.stringify(await status('old.success'))).not.toContain('masked-value');
  });

  it('can be worked with: start, restart, delete', async () => {
    await using site = await openSite();
    unpack('jobs-0.1.0', site.root);
    const { jobs } = (await site.answer(['list', '--all', '--limit', '0'])) as unknown as { jobs: OldJob[] };
    const idOf = (tag: string): string => jobs.find((job) => tagOf(job) === tag)?.job_id ?? '';
    expect(await site.answer(['start', idOf('old.created')])).toMatchObject({
      exit_code: 0,
      stdout: 'started later\n',
    });
    expect(await site.answer(['restart', idOf('old.stdin')])).toMatchObject({ exit_code: 0, stdout: 'from input' });
    expect(await site.answer(['delete', idOf('old.running')])).toMatchObject({ deleted: 1 });
    expect(existsSync(`${site.root}/${idOf('old.running')}`)).toBe(false);
  });
});

describe('the data directory of an agent of 0.1.0', () => {
  it('opens: results go out, waiting orders run once, known orders never again, what cannot be known is lost', async () => {
    const [server] = (await natsServers()).slice(-1);
    await using broker = await startNatsServer({ path: server?.path ?? '' });
    await using site = await openSite();
    unpack('agent-0.1.0', site.data);
    const mark = `${site.path}/mark`;
    appendFileSync(mark, '');
    const env = { KANADE_NATS_URL: broker.url, OLD_MARK: mark, OLD_WORD: 'late' };
    await site.answer(['fleet', 'setup'], { env });
    await using operator = await openPlainBroker(broker.url, ['results.>']);
    await using agent = {
      ...site.startAgent(['--server', broker.url], { env }),
      [Symbol.asyncDispose]: async () => undefined,
    };
    await agent.ready();
    const resultOf = (request: string) =>
      eventually(`the result of ${request}`, () => operator.results().find(({ request_id }) => request_id === request));
    expect(await resultOf('old-waiting')).toMatchObject({ exit_code: 0, stdout: 'ran late\n' });
    for (const request of ['old-running-1', 'old-running-2'])
      expect(await resultOf(request)).toMatchObject({ exit_code: 121, skipped: false });
    await eventually('the click that had ended is delivered', () =>
      operator.results().some(({ stdout, exit_code }) => stdout === 'clicked\n' && exit_code === 0),
    );

    // The ledger knows them: the same order once more, and another one behind it that shows that it was read.
    for (const name of ['delivered', 'running-1', 'waiting']) {
      const again = { ...orderOf(''), request_id: `old-${name}`, exec_id: `old-exec-${name}` };
      await operator.publish('commands.pc.pc-1', { ...again, script: scriptOf[name] });
      const after = orderOf('echo after');
      await operator.publish('commands.pc.pc-1', after);
      expect(await resultOf(after.request_id)).toMatchObject({ stdout: 'after\n' });
    }
    expect(readFileSync(mark, 'utf8')).toBe('ran\n');
    const requests = operator.results().map(({ request_id }) => request_id);
    expect(requests.filter((request) => request === 'old-delivered')).toEqual([]);
    expect(requests.filter((request) => request === 'old-waiting')).toHaveLength(1);
  });

  it('shows what it knew of the broker while there is none', async () => {
    await using site = await openSite();
    unpack('agent-0.1.0', site.data);
    const agent = site.startAgent(['--server', 'nats://127.0.0.1:1']);
    await agent.ready();
    await using person = await openPlainPerson(site.socket);
    expect(await person.call('jobs.list')).toMatchObject({ items: [{ id: 'kept' }] });
    expect(await person.end(await person.start('kept'))).toMatchObject({ status: 'completed', stdout_chunk: 'kept\n' });
  });
});

/** As the orders of the old directory had them. */
const scriptOf: Record<string, string> = {
  delivered: 'echo delivered',
  'running-1': 'echo began; sleep 600',
  waiting: 'echo "ran $OLD_WORD"; echo ran >> "$OLD_MARK"',
};
