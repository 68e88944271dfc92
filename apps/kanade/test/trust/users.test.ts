/**
 * Everybody who uses a machine, by every method, on every run: whose a run is decides, and nothing else does. Made from the contract, so a
 * method that comes is asked by itself. Two people at once, one leaves and another comes, an account takes the number of another.
 */
import { writeFileSync } from 'node:fs';
import { localContract } from '@kanade/shared/local';
import { eventually, newestNatsServer, startNatsServer } from '@kanade/testkit';
import { beforeAll, expect, it } from 'vitest';
import { answer } from '../program.ts';
import { type Heard, type Inhabitant, openHouse } from './house.ts';
import { manifestOf, needRoot } from './site.ts';

beforeAll(needRoot);

const [ann, bob, cara] = [61_021, 61_022, 61_023];

interface Def {
  readonly innerType?: Field;
  readonly shape?: Record<string, Field>;
}
interface Field {
  readonly _zod: { readonly def: Def };
  safeParse(value: unknown): { readonly success: boolean };
}
const fieldsOf = (params: Field): Record<string, Field> => {
  const { innerType, shape } = params._zod.def;
  return innerType ? fieldsOf(innerType) : (shape ?? {});
};
const methods = Object.entries(localContract.methods).map(([method, { params }]) => ({
  method,
  fields: Object.entries(fieldsOf(params as unknown as Field)),
}));
const takesRun = ({ fields }: (typeof methods)[number]): boolean => fields.some(([name]) => name === 'run_id');

/** Params that are right in form: this run, and texts that name nothing. */
const paramsFor = ({ fields }: (typeof methods)[number], run_id: string): Record<string, unknown> =>
  Object.fromEntries(
    fields
      .filter(([, field]) => !field.safeParse(undefined).success)
      .map(([name]) => [name, { run_id, stream: 'stdout', protocol: [1], duration: '15m' }[name] ?? 'no-such-thing']),
  );

const kindOf = ({ error }: Heard): string => error?.data?.kind ?? 'result';
const startOf = async (person: Inhabitant, id: string): Promise<string> =>
  String((await person.ask('jobs.execute', { id })).result?.run_id);
const pushesOf = ({ heard }: Inhabitant, runId: string) =>
  heard.flatMap(({ method, params }) => (method === 'jobs.progress' && params?.run_id === runId ? [params] : []));
const offeredTo = async (person: Inhabitant): Promise<string> => JSON.stringify((await person.ask('jobs.list')).result);

it('users × methods × runs: of the runs of others nothing is seen, told or stopped; grants stay with who entered the code', async () => {
  await using broker = await startNatsServer(await newestNatsServer());
  const env = { KANADE_NATS_URL: broker.url };
  await answer(['fleet', 'setup'], { env });
  const held = (place: string, words: string): string => `echo ${words}; until [ -e ${place}/go ]; do sleep 0.2; done`;
  await using house = await openHouse(
    { ann, bob, cara },
    {
      args: ['--server', broker.url],
      prepare({ path, offer }) {
        offer('held-a', held(path, 'words-of-ann'));
        offer('quick-a', 'echo old-words-of-ann');
        offer('held-b', held(path, 'words-of-bob'));
      },
    },
  );
  const { site } = house;
  writeFileSync(
    `${site.path}/deep.yaml`,
    `${manifestOf({ id: 'deep', script: 'echo words-of-the-fleet' })}  unlock: helpdesk\n`,
  );
  await eventually('pc-1 answers', async () => (await answer(['fleet', 'ping', 'pc-1'], { env })).ok === true);
  expect(await answer(['fleet', 'job', 'put', `${site.path}/deep.yaml`], { env })).toMatchObject({ ok: true });
  expect(await answer(['fleet', 'exec', 'deep', '--pc', 'pc-1', '--wait'], { env })).toMatchObject({ ok: true });
  const { results } = await answer(['fleet', 'results', 'deep'], { env });
  const [{ result_id: ofFleet = '' } = {}] = results as { result_id?: string }[];
  expect(ofFleet).not.toBe('');

  // Two at once.
  const [first, second] = [await house.enter(ann), await house.enter(bob)];
  for (const person of [first, second]) await person.ask('jobs.subscribe');
  await eventually('the jobs', async () => /held-a.*held-b.*quick-a/.test(await offeredTo(first)));
  const ofAnn = await startOf(first, 'held-a');
  const oldOfAnn = await startOf(first, 'quick-a');
  const ofBob = await startOf(second, 'held-b');
  const isSeen = (person: Inhabitant, run: string, sign: string) =>
    eventually(`${sign} of a run`, () => JSON.stringify(pushesOf(person, run)).includes(sign));
  await Promise.all([
    isSeen(first, ofAnn, 'words-of'),
    isSeen(first, oldOfAnn, 'completed'),
    isSeen(second, ofBob, 'words-of'),
  ]);
  const third = await house.enter(cara);
  await third.ask('jobs.subscribe');
  const owned = [
    { uid: ann, person: first, own: [ofAnn, oldOfAnn], words: /words-of-ann/ },
    { uid: bob, person: second, own: [ofBob], words: /words-of-bob/ },
    { uid: cara, person: third, own: [], words: /(?!)/ },
  ];
  const runs = [ofAnn, oldOfAnn, ofBob, ofFleet, 'no-such-run'];
  for (const { uid, person, own } of owned) {
    for (const method of methods.filter(takesRun)) {
      const none = await person.ask(method.method, paramsFor(method, 'no-such-run'));
      expect(kindOf(none), method.method).toBe('Unauthorized');
      for (const run of runs) {
        const isOwn = own.includes(run);
        // Who owns it may stop it: that is tried at the end.
        if (isOwn && method.method === 'jobs.kill') continue;
        const { error } = await person.ask(method.method, paramsFor(method, run));
        expect(error, `${uid} ${method.method} ${run}`).toEqual(isOwn ? undefined : none.error);
      }
    }
    // A rate of its own: whatever else there is to ask, on another connection.
    const other = await house.enter(uid);
    for (const method of methods.filter((one) => !takesRun(one) && one.method !== 'system.handshake')) {
      await other.ask(method.method, paramsFor(method, 'no-such-run'));
    }
    // They may have told of what goes on; of nothing that is somebody else's.
    const told = JSON.stringify([...person.heard, ...other.heard]);
    for (const run of runs.slice(0, 4)) if (!own.includes(run)) expect(told, `${uid}`).not.toContain(run);
    for (const { words, uid: whose } of owned) if (whose !== uid) expect(told).not.toMatch(words);
    expect(told).not.toContain('words-of-the-fleet');
    await other[Symbol.asyncDispose]();
  }
  for (const { person, own } of owned)
    for (const run of own) expect(JSON.stringify(pushesOf(person, run))).not.toContain('"killed"');

  // One leaves, another comes; the run goes on, for who started it.
  await second[Symbol.asyncDispose]();
  const newcomer = await house.enter(cara);
  await newcomer.ask('jobs.subscribe', { since: new Date(0).toISOString() });
  expect(kindOf(await newcomer.ask('jobs.kill', { run_id: ofBob }))).toBe('Unauthorized');
  expect(newcomer.heard.filter(({ method }) => method === 'jobs.progress')).toEqual([]);
  const back = await house.enter(bob);
  await back.ask('jobs.subscribe');
  await isSeen(back, ofBob, 'running');
  expect(kindOf(await back.ask('jobs.kill', { run_id: ofBob }))).toBe('result');
  await isSeen(back, ofBob, 'killed');
  expect(JSON.stringify(pushesOf(first, ofAnn))).not.toContain('killed');

  // What a code opens is open for who entered it, on each of their connections, until another account has their number.
  const input = 'blue-horse-7\n';
  expect(await answer(['fleet', 'support-code', 'set', 'helpdesk'], { env, input })).toMatchObject({ ok: true });
  await answer(['fleet', 'ping', 'pc-1'], { env }); // what the machine hears comes in order
  expect(kindOf(await first.ask('support.unlock', { code: 'blue-horse-7' }))).toBe('result');
  const hers = await house.enter(ann);
  expect(await offeredTo(hers)).toContain('deep');
  for (const person of [back, newcomer]) {
    expect((await person.ask('support.status')).result).toEqual({ grants: [] });
    expect(await offeredTo(person)).not.toContain('deep');
    expect(kindOf(await person.ask('jobs.execute', { id: 'deep' }))).toBe('Unauthorized');
  }
  const shown = (await hers.ask('support.preview_diagnostics')).result?.preview;
  for (const person of [back, newcomer])
    expect(kindOf(await person.ask('support.upload_diagnostics', { preview: shown }))).toBe('NotFound');
  for (const person of [first, hers]) await person[Symbol.asyncDispose]();
  house.setAccounts({ bob, cara, dora: ann });
  const dora = await house.enter(ann);
  expect((await dora.ask('support.status')).result).toEqual({ grants: [] });
  expect(await offeredTo(dora)).not.toContain('deep');
  expect(kindOf(await dora.ask('support.upload_diagnostics', { preview: shown }))).toBe('NotFound');
});
