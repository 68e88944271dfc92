/** Jobs in line, in sentences and columns for people. Pure. */
import { shortJobId } from '@kanade/shared/job-words';
import { type Columns, cellsOf } from './columns.ts';
import { lineOf, some } from './ink.ts';
import { listIn, type Sentence, saying, type Told } from './told.ts';

const { good, open, plain } = saying;

const idsIn = (known: unknown): string[] => (Array.isArray(known) ? known.map((id) => shortJobId(String(id))) : []);

/** How a job stands that was created: `waiting in queue build, position 2, for 3f2a9c1`. */
export function waitingSentence({ queue, position, waits_for }: Told): Sentence {
  const ids = idsIn(waits_for);
  if (position === undefined && ids.length === 0) return open('created, not started yet');
  const place = position === undefined ? '' : ` in queue ${queue}, position ${position}`;
  return open(`waiting${place}${ids.length === 0 ? '' : `${place === '' ? '' : ','} for ${ids.join(', ')}`}`);
}

export const queueSentences: Readonly<Record<string, (told: Told) => Sentence>> = {
  'queue.list': ({ queues }) => plain(some(listIn(queues).length, 'queue')),
  'queue.set': ({ queue, slots }) =>
    slots === 0 ? open(`${queue} starts no jobs now`) : good(`${queue} has ${some(Number(slots), 'slot')}`),
};

export const queueTables: Readonly<Record<string, Columns>> = {
  'queue.list': {
    rows: 'queues',
    columns: {
      ...cellsOf.keys('queue', 'slots'),
      running: ({ running }) => ({ text: lineOf(idsIn(running)) }),
      waiting: ({ waiting }) => ({ text: lineOf(idsIn(waiting)) }),
    },
  },
};

/** The rows of a tree of jobs, each with the branch that leads to it. */
export function branchesOf(jobs: readonly Told[], before = ''): Told[] {
  return jobs.flatMap((job, at) => {
    const isLast = at === jobs.length - 1;
    const below = listIn(job.dependents);
    const lead = before === '' ? '' : `${before.slice(1)}${isLast ? '└─ ' : '├─ '}`;
    const next = before === '' ? ' ' : `${before}${isLast ? '   ' : '│  '}`;
    return [{ ...job, short_job_id: `${lead}${job.short_job_id}` }, ...branchesOf(below, next)];
  });
}
