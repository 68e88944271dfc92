/** What an answer says in one sentence, and whether that is good. Pure; loaded on demand. */
import { sizeOf, some, timeOf } from './ink.ts';
import { queueSentences, waitingSentence } from './queue-answers.ts';
import { releaseSentences } from './release-answers.ts';
import { settingsSentences } from './settings-answers.ts';
import { listIn as list, type Sentence, saying, type Told } from './told.ts';

const { good, bad, open, plain } = saying;

const number = (value: unknown): number => (typeof value === 'number' ? value : 0);

/** How a job or a run on a machine stands: `exited 0 after 3.2 s`. */
export function endingSentence(told: Told): Sentence {
  const { state, ending, exit_code: code, ended_by: by, error } = told;
  const after = afterOf(told);
  if (state === 'created') return waitingSentence(told);
  if (state === 'running') return open(`running${told.waited_ms ? ` after ${timeOf(number(told.waited_ms))}` : ''}`);
  if (ending === 'timed_out') return bad(`timed out${after}`);
  if (ending === 'killed') return bad(`killed${by ? ` by ${by === 'user' ? 'the user' : by}` : ''}${after}`);
  if (ending === 'lost') return bad(`lost: ${error ?? 'nobody knows how it ended'}`);
  if (ending === 'not_started' || (state === 'failed' && code === undefined))
    return bad(`not started${error ? `: ${error}` : ''}`);
  if (typeof code === 'number' && (state === 'exited' || ending === 'exited' || state === undefined))
    return code === 0 ? good(`exited 0${after}`) : bad(`exited ${code}${after}`);
  const signal = told.signal ?? told.terminated_signal;
  return bad(`killed${typeof signal === 'string' ? ` by ${signal}` : ''}${after}`);
}

/** ` after 3.2 s`; nothing where no time passed, which is so of what was ended before it had started. */
function afterOf({ duration_ms: duration, started_at: start, finished_at: end }: Told): string {
  if (typeof duration === 'number') return ` after ${timeOf(duration)}`;
  const ms = Date.parse(String(end)) - Date.parse(String(start));
  return ms > 0 ? ` after ${timeOf(ms)}` : '';
}

function stopped(told: Told): Sentence {
  if (told.state === undefined) return open(`${told.signal} sent, not waited for`);
  const { mark, text } = endingSentence({ ...told, signal: undefined });
  if (mark === 'open') return open(`still ${text} after ${told.signal}`);
  return told.mechanism === undefined ? plain(`had ended before: ${text}`) : good(`stopped: ${text}`);
}

function deleted(told: Told): Sentence {
  const what = told.freed_bytes === undefined ? '' : `, ${sizeOf(number(told.freed_bytes))}`;
  const count =
    told.dry_run && Array.isArray(told.jobs)
      ? list(told.jobs).filter(({ action }) => action === 'would_delete').length
      : number(told.deleted);
  if (number(told.failed) > 0) return bad(`${some(number(told.failed), 'job')} could not be deleted; ${count} were`);
  return told.dry_run
    ? plain(`would delete ${some(count, 'job')}${what}`)
    : good(`deleted ${some(count, 'job')}${what}`);
}

function examined(told: Told): Sentence {
  const wrong = list(told.findings).filter(({ ok }) => ok !== true).length;
  return wrong === 0
    ? good('all is well')
    : bad(`${wrong} of ${some(list(told.findings).length, 'check')} found something to mend`);
}

function ordered(told: Told): Sentence {
  const results = list(told.results);
  const missing = list(told.missing).length;
  const name = `${told.job_id} ${told.version}`;
  const [only] = results;
  if (!only) return open(`ordered ${name}; machines that are away run it when they come back`);
  if (results.length === 1 && missing === 0) {
    const { mark, text } = only.skipped ? open(`skipped (${only.exit_code})`) : endingSentence(only);
    return { mark, text: `${name} on ${only.pc_id}: ${text}` };
  }
  const failed = results.filter(({ exit_code }) => exit_code !== 0).length;
  const silent = missing === 0 ? '' : `; ${missing === 1 ? 'one has' : `${missing} have`} not answered`;
  if (failed > 0) return bad(`${name} failed on ${failed} of ${some(results.length, 'machine')}${silent}`);
  const text = `${name} exited 0 on ${some(results.length, 'machine')}${silent}`;
  return missing === 0 ? good(text) : open(text);
}

function killed({ exec_id, stopped: runs, ended_before }: Told): Sentence {
  if (runs === undefined) return open(`told every machine that is online to stop ${exec_id}`);
  if (list(runs).length === 0) return plain(`had ended before on ${some(number(ended_before), 'machine')}`);
  return good(`stopped on ${some(list(runs).length, 'machine')}`);
}

function counted(told: Told): Sentence {
  const records = (state: string): number => number((told[state] as Told | undefined)?.records);
  const waiting = records('ready') + records('waiting') + records('held');
  const apart = records('quarantined') + records('lost');
  const text = `${some(waiting, 'record')} to deliver, ${records('quarantined')} in quarantine, ${records('lost')} lost`;
  return apart > 0 ? bad(text) : good(text);
}

const ringed = ({ ring, keys, enforcing }: Told): Sentence =>
  good(
    `${ring} trusts ${some(list(keys).length, 'key')}, ${enforcing ? 'and is enforcing' : 'and only reports what is not signed'}`,
  );

function resulted({ results, running, complete, before }: Told): Sentence {
  const goOn = list(running).length === 0 ? '' : `, ${list(running).length} running`;
  const more = complete ? '' : `, there may be more${before === undefined ? '' : `: --before ${before}`}`;
  return plain(`${some(list(results).length, 'result')}${goOn}${more}`);
}

function shownRun(told: Told): Sentence {
  const { mark, text } = told.skipped ? open(`skipped (${told.exit_code})`) : endingSentence(told);
  return { mark, text: `${told.job_id ?? 'a run'} on ${told.pc_id}: ${text}` };
}

const takenBack = (withdrawn: unknown): string =>
  list(withdrawn).length === 0 ? '' : `; ${some(list(withdrawn).length, 'waiting order')} taken back`;

const jobStates = ['run', 'start', 'restart', 'status', 'wait', 'create'];

/** With those that stand below others in a tree. */
const countOf = (jobs: readonly Told[]): number =>
  jobs.reduce((sum, { dependents }) => sum + 1 + countOf(list(dependents)), 0);

/** Sentences by the type of the answer, for those that are about something else than one job. */
const sentences: Readonly<Record<string, (told: Told) => Sentence>> = {
  ...Object.fromEntries(jobStates.map((type) => [type, endingSentence])),
  error: ({ error }) => bad(String((error as Told).message)),
  kill: stopped,
  delete: deleted,
  gc: deleted,
  doctor: examined,
  list: ({ jobs, truncated }) =>
    list(jobs).length === 0
      ? plain('no jobs')
      : plain(`${some(countOf(list(jobs)), 'job')}${truncated ? ', and more' : ''}`),
  tag_set: ({ tags }) => good(list(tags).length === 0 ? 'has no tags now' : `tagged ${(tags as string[]).join(', ')}`),
  'notify.set': () => good('will be told'),
  install_skills: ({ skills }) =>
    good(
      `wrote ${list(skills)
        .map(({ path }) => path)
        .join(', ')}`,
    ),
  'fleet.doctor': examined,
  'fleet.exec': ordered,
  'fleet.wait': ordered,
  'fleet.run': ordered,
  'fleet.forget': ({ pc_id, withdrawn, credentials }) =>
    good(
      `${pc_id} is forgotten${credentials === 'ended' ? '; its credentials have ended' : ''}${takenBack(withdrawn)}`,
    ),
  'fleet.revoke': ({ job_id, before, withdrawn }) =>
    good(`${job_id} is ${before === 'REVOKED' ? 'still ' : ''}revoked${takenBack(withdrawn)}`),
  'fleet.unrevoke': ({ job_id, before, withdrawn }) =>
    before === 'REVOKED'
      ? good(`${job_id} is allowed again${takenBack(withdrawn)}`)
      : plain(`${job_id} was not revoked`),
  'fleet.audit': ({ records, complete }) =>
    plain(`${some(list(records).length, 'record')}${complete ? '' : ', there may be more'}`),
  'fleet.events': ({ records, complete }) =>
    plain(`${some(list(records).length, 'event')}${complete ? '' : ', there may be more'}`),
  'fleet.results': resulted,
  'fleet.show': shownRun,
  'fleet.kill': killed,
  'fleet.cancel': ({ job_id, count }) =>
    number(count) === 0
      ? plain(`nothing of the order of ${job_id} waits any more`)
      : good(`took the order of ${job_id} back from ${some(number(count), 'place')}`),
  'fleet.ping': ({ pc_id, agent }) => good(`${pc_id} answers, agent ${(agent as Told).agent_version}`),
  'fleet.agents': ({ agents, listened_ms }) =>
    plain(`${some(list(agents).length, 'machine')} heard within ${timeOf(number(listened_ms))}`),
  'fleet.setup': ({ server, created, updated, unchanged }) =>
    good(
      `${server} is set up: ${list(created).length} made, ${list(updated).length} changed, ${list(unchanged).length} as they were`,
    ),
  'fleet.job.put': ({ jobs }) => good(`put ${some(list(jobs).length, 'job')}`),
  'fleet.job.list': ({ jobs }) =>
    plain(list(jobs).length === 0 ? 'no jobs in the catalogue' : some(list(jobs).length, 'job')),
  'fleet.job.remove': ({ job_id, withdrawn }) =>
    good(`removed ${job_id}; orders for it are revoked${takenBack(withdrawn)}`),
  'fleet.script.put': ({ script, before }) =>
    before === 'the same' ? plain(`${script} was stored already`) : good(`stored ${script}`),
  'fleet.script.list': ({ scripts }) => plain(some(list(scripts).length, 'script')),
  'fleet.script.remove': ({ script, jobs }) =>
    good(
      `removed ${script}${list(jobs).length === 0 ? '' : `; ${(jobs as string[]).join(', ')} cannot be ordered now`}`,
    ),
  'fleet.collect.list': ({ bundles }) => plain(some(list(bundles).length, 'archive')),
  'fleet.collect.get': ({ key, file }) => good(`fetched ${key} to ${file}`),
  'fleet.key.create': ({ command_key, private_key_file }) =>
    good(`made key ${command_key}; its private half is in ${private_key_file}`),
  'fleet.key.list': ({ own, keys, enforcing, ring }) =>
    plain(
      `${some(list(own).length, 'key')} of yours; ${ring} trusts ${list(keys).length}${enforcing ? ' and is enforcing' : ''}`,
    ),
  'fleet.key.trust': ringed,
  'fleet.key.remove': ({ kid, ring, ...rest }) =>
    ring === undefined ? good(`deleted key ${kid}; rings that trust it still do`) : ringed({ ...rest, ring }),
  ...releaseSentences,
  ...settingsSentences,
  ...queueSentences,
  'outbox.count': counted,
  'outbox.list': ({ records }) => plain(some(list(records).length, 'record')),
  'outbox.drops': ({ drops }) => plain(`${some(list(drops).length, 'record')} left undelivered`),
  'outbox.verify': ({ records, bytes }) => good(`sound: ${some(number(records), 'record')}, ${sizeOf(number(bytes))}`),
  'outbox.export': ({ records, to }) => good(`wrote ${some(number(records), 'record')} to ${to}`),
  'outbox.replay': ({ replayed }) => good(`gave ${some(number(replayed), 'record')} a new start`),
  'outbox.drop': ({ dropped }) => good(`dropped ${some(number(dropped), 'record')}`),
  'outbox.quarantine': ({ records, quarantined }) =>
    records === undefined
      ? good(`set ${some(number(quarantined), 'record')} apart`)
      : plain(`${some(list(records).length, 'record')} in quarantine`),
};

/** The sentence of an answer; undefined where its body says all. */
export const sentenceOf = (told: Told): Sentence | undefined => sentences[String(told.type)]?.(told);
