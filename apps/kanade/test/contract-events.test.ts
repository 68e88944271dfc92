/** Contract, section 6: what sinks are told, and what is kept of that. */
import { existsSync, readFileSync } from 'node:fs';
import { eventually } from '@kanade/testkit';
import { describe, expect, it } from 'vitest';
import { jobsRoot } from './program.ts';

type Root = Awaited<ReturnType<typeof jobsRoot>>;
type Event = Record<string, unknown> & { delivery_results: Record<string, unknown>[] };

/** What the host has recorded of a job's end, once both sinks have had their turn. */
const ended = ({ root }: Root, id: unknown): Promise<Event> =>
  eventually('the end is recorded', () => {
    const path = `${root}/${id}/completion_event.json`;
    const event = existsSync(path) && (JSON.parse(readFileSync(path, 'utf8')) as Event);
    return event && event.delivery_results.length > 0 && event;
  });

const eventsIn = (path: string): Event[] =>
  readFileSync(path, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Event);

describe('the end of a job', () => {
  const logs = ['stdout_log_path', 'stderr_log_path'];
  const always = ['schema_version', 'event_type', 'job_id', 'state', 'command', 'cwd', 'started_at', 'finished_at'];

  it.each([
    ['exit 3', { state: 'exited', exit_code: 3 }, ['exit_code']],
    ['kill -KILL $$', { state: 'killed' }, ['signal']],
  ])('%s', async (script, expected, more) => {
    await using jobs = await jobsRoot();
    const options = ['--notify-file', 'deep/ends', '--env', 'SECRET=1'];
    const { job_id } = await jobs.answer(['run', ...options, '--', 'sh', '-c', script]);
    const { delivery_results, ...event } = await ended(jobs, job_id);
    expect(event).toMatchObject({ event_type: 'job.finished', job_id, command: ['sh', '-c', script], ...expected });
    const ours = ['ending', 'ended_by', 'signal_number'];
    expect(
      Object.keys(event)
        .filter((key) => !ours.includes(key))
        .sort(),
    ).toEqual([...always, 'duration_ms', ...logs, ...more].sort());
    expect(delivery_results).toEqual([
      {
        sink_type: 'file',
        target: `${jobs.path}/deep/ends`,
        success: true,
        attempted_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
      },
    ]);
    expect(eventsIn(`${jobs.path}/deep/ends`)).toEqual([event]);
  });

  it('a command gets the event as its input, three variables, and none of the job’s own', async () => {
    await using jobs = await jobsRoot();
    const command = 'cat > event; env | grep -E "^AGENT_EXEC_(EVENT|JOB)|SECRET" | sort > env; pwd > cwd';
    const { job_id } = await jobs.answer(['run', '--notify-command', command, '--env', 'SECRET=1', '--', 'true']);
    const { delivery_results, ...event } = await ended(jobs, job_id);
    expect(delivery_results).toMatchObject([{ sink_type: 'command', target: command, success: true }]);
    expect(readFileSync(`${jobs.path}/event`, 'utf8')).toBe(JSON.stringify(event));
    expect(readFileSync(`${jobs.path}/env`, 'utf8').split('\n')).toEqual([
      `AGENT_EXEC_EVENT_PATH=${jobs.root}/${job_id}/completion_event.json`,
      'AGENT_EXEC_EVENT_TYPE=job.finished',
      `AGENT_EXEC_JOB_ID=${job_id}`,
      '',
    ]);
    expect(readFileSync(`${jobs.path}/cwd`, 'utf8')).toBe(`${jobs.path}\n`);
  });

  it.each([
    ['a command that fails', ['--notify-command', 'exit 3'], 'exited with status 3'],
    ['a command without words', ['--notify-command', ''], 'empty shell command'],
    ['a file below a file', ['--notify-file', '/etc/hostname/ends'], 'create parent dir'],
    ['a file that is a directory', ['--notify-file', '/'], 'EISDIR'],
  ])('%s is recorded, and changes nothing for the job', async (_name, options, error) => {
    await using jobs = await jobsRoot();
    const run = await jobs.answer(['run', ...options, '--', 'echo', 'x']);
    expect(run).toMatchObject({ ok: true, state: 'exited', exit_code: 0, stdout: 'x\n' });
    const { delivery_results } = await ended(jobs, run.job_id);
    expect(delivery_results).toMatchObject([{ success: false, error: expect.stringContaining(error) }]);
  });

  it('that could not start is told too, with its reason; without sinks nothing is', async () => {
    await using jobs = await jobsRoot();
    const plain = await jobs.answer(['run', '--', 'true']);
    const failed = await jobs.answer(['run', '--cwd', '/nowhere', '--notify-file', 'ends', '--', 'true']);
    expect(await ended(jobs, failed.job_id)).toMatchObject({ state: 'failed', ending: 'not_started' });
    expect(existsSync(`${jobs.root}/${plain.job_id}/completion_event.json`)).toBe(false);
    expect(eventsIn(`${jobs.path}/ends`)).toMatchObject([{ job_id: failed.job_id, state: 'failed' }]);
  });
});

describe('output that matches', () => {
  const script = 'echo "a.b one"; echo AxB; printf "axb end"; echo "a.b err" >&2';
  const cases: readonly (readonly [string, readonly string[], readonly string[]])[] = [
    ['contains, by default', ['--output-pattern', 'a.b'], ['stderr a.b err', 'stdout a.b one']],
    [
      'regex',
      ['--output-pattern', '^a.b', '--output-match-type', 'regex'],
      ['stderr a.b err', 'stdout a.b one', 'stdout axb end'],
    ],
    ['stdout alone', ['--output-pattern', 'a.b', '--output-stream', 'stdout'], ['stdout a.b one']],
    ['stderr alone', ['--output-pattern', 'a.b', '--output-stream', 'stderr'], ['stderr a.b err']],
    ['the line that was not finished', ['--output-pattern', 'end'], ['stdout axb end']],
    ['is case-sensitive', ['--output-pattern', 'axb'], ['stdout axb end']],
    [
      'regex, as other tools write it',
      ['--output-pattern', '(?i)^axb(?P<rest>[[:space:]]|$)', '--output-match-type', 'regex'],
      ['stdout AxB', 'stdout axb end'],
    ],
  ];
  it.each(cases)('%s', async (_name, options, lines) => {
    await using jobs = await jobsRoot();
    const { job_id } = await jobs.answer(['run', ...options, '--notify-file', 'ends', '--', 'sh', '-c', script]);
    await ended(jobs, job_id);
    const events = eventsIn(`${jobs.root}/${job_id}/notification_events.ndjson`);
    expect(events.map(({ stream, line }) => `${stream} ${line}`).sort()).toEqual(lines);
    for (const event of events) {
      expect(Object.keys(event).sort()).toEqual(
        [
          ...['schema_version', 'event_type', 'job_id', 'pattern', 'match_type', 'stream', 'line'],
          ...['stdout_log_path', 'stderr_log_path', 'delivery_results'],
        ].sort(),
      );
      expect(event).toMatchObject({ event_type: 'job.output.matched', job_id, delivery_results: [] });
    }
  });

  it('is told to both sinks', async () => {
    await using jobs = await jobsRoot();
    const command = 'cat > event; echo "$AGENT_EXEC_EVENT_TYPE $AGENT_EXEC_EVENT_PATH" > env';
    const sinks = ['--output-command', command, '--output-file', 'deep/matches', '--notify-file', 'ends'];
    const { job_id } = await jobs.answer(['run', '--output-pattern', 'x', ...sinks, '--', 'echo', 'x']);
    await ended(jobs, job_id);
    const record = `${jobs.root}/${job_id}/notification_events.ndjson`;
    const [event, more] = eventsIn(record);
    expect([event?.delivery_results, more]).toMatchObject([
      [
        { sink_type: 'command', target: command, success: true },
        { sink_type: 'file', target: `${jobs.path}/deep/matches`, success: true },
      ],
      undefined,
    ]);
    const { delivery_results: _, ...told } = event as Event;
    expect(JSON.parse(readFileSync(`${jobs.path}/event`, 'utf8'))).toEqual(told);
    expect(eventsIn(`${jobs.path}/deep/matches`)).toEqual([told]);
    expect(readFileSync(`${jobs.path}/env`, 'utf8')).toBe(`job.output.matched ${record}\n`);
  });

  it('is told of a restarted job again, behind what was told before', async () => {
    await using jobs = await jobsRoot();
    const options = ['--output-pattern', 'x', '--notify-file', 'ends'];
    const { job_id } = await jobs.answer(['run', ...options, '--', 'echo', 'x']);
    await ended(jobs, job_id);
    await jobs.answer(['restart', String(job_id)]);
    await eventually('the second end is told', () => eventsIn(`${jobs.path}/ends`).length === 2);
    expect(eventsIn(`${jobs.root}/${job_id}/notification_events.ndjson`)).toHaveLength(2);
  });
});

describe('notify set', () => {
  const patternless = { notify_command: 'true' };
  const match = { pattern: 'p', match_type: 'contains', stream: 'either' };
  const cases: readonly (readonly [string, readonly string[], readonly string[], object])[] = [
    ['nothing at all', [], [], {}],
    ['a command', [], ['--command', 'true'], patternless],
    ['match options without a pattern', [], ['--output-command', 'x', '--output-stream', 'stdout'], {}],
    ['a pattern', [], ['--output-pattern', 'p'], { on_output_match: match }],
    [
      'fields that are given replace, others stay',
      ['--output-pattern', 'p', '--output-command', 'x', '--notify-command', 'true'],
      ['--output-stream', 'stderr', '--output-match-type', 'regex'],
      { ...patternless, on_output_match: { ...match, stream: 'stderr', match_type: 'regex', command: 'x' } },
    ],
    [
      'the file of the end stays',
      ['--notify-file', '/tmp/ends'],
      ['--command', 'true'],
      { notify_file: '/tmp/ends', ...patternless },
    ],
  ];
  it.each(cases)('%s', async (_name, before, options, notification) => {
    await using jobs = await jobsRoot();
    const { job_id } = await jobs.answer(['create', ...before, '--', 'true']);
    expect(await jobs.answer(['notify', 'set', String(job_id), ...options])).toMatchObject({
      type: 'notify.set',
      job_id,
    });
    const answer = await jobs.answer(['notify', 'set', String(job_id)]);
    expect(answer.notification).toEqual(notification);
  });

  it('refuses an expression that no keeper can look for, and leaves what stands there', async () => {
    await using jobs = await jobsRoot();
    const { job_id } = await jobs.answer(['create', '--output-pattern', '(a)\\1', '--', 'true']);
    const set = (...words: string[]) => jobs.answer(['notify', 'set', String(job_id), ...words]);
    const refused = await set('--output-match-type', 'regex', '--command', 'true');
    expect(refused).toMatchObject({ status: 1, error: { code: 'invalid_pattern' } });
    expect((await set()).notification).toEqual({ on_output_match: { ...match, pattern: '(a)\\1' } });
  });

  it('of a job that has ended runs no sink', async () => {
    await using jobs = await jobsRoot();
    const { job_id } = await jobs.answer(['run', '--', 'echo', 'x']);
    const told = await jobs.answer(['run', '--notify-file', 'ends', '--', 'true']);
    await jobs.answer(['notify', 'set', String(job_id), '--command', 'touch told', '--output-pattern', 'x']);
    await ended(jobs, told.job_id);
    expect([existsSync(`${jobs.path}/told`), existsSync(`${jobs.root}/${job_id}/completion_event.json`)]).toEqual([
      false,
      false,
    ]);
  });
});
