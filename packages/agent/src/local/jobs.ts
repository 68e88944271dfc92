import { randomUUID } from 'node:crypto';
import { KlpError } from '@kanade/klp';
import { type Command, isToken, parseHumantime } from '@kanade/shared/fleet';
import { osFamily } from '@kanade/shared/fleet-words';
import type { JobRun, LocalErrorKind, OutputPart, OutputQuery, UserInvokableJob } from '@kanade/shared/local';
import { type Audience, type ClientBlock, commandOf, type Manifest } from '@kanade/shared/manifest';
import type { Intake } from '../intake/admit.ts';
import { limits } from '../limits.ts';
import type { LiveRun } from '../run/model.ts';
import type { Registry } from '../run/supervise.ts';
import type { Prefetch } from '../script/prefetch.ts';
import { faultText } from '../script/script-fault.ts';
import type { CheckResults } from '../store/check-results.ts';
import type { FleetView } from '../store/fleet-cache.ts';
import type { Ledger } from '../store/ledger.ts';
import type { LookOptions } from '../watch/look.ts';
import { type Catalogue, Unreadable } from './catalogue.ts';
import { partOfOutput } from './output.ts';
import { cataloguePage } from './pages.ts';
import { checkedId, hindrance, isForPeople, type OfferFacts } from './rules.ts';
import type { LocalHandlers, LocalSession } from './session.ts';
import type { Support } from './support.ts';

export interface JobsOptions extends LookOptions {
  readonly pcId: string;
  readonly catalogue: Catalogue;
  readonly view: Pick<FleetView, 'about' | 'groups' | 'age'>;
  readonly intake: Pick<Intake, 'admit'>;
  readonly ledger: Pick<Ledger, 'lastOf'>;
  readonly checks: Pick<CheckResults, 'statusOf'>;
  readonly registry: Registry;
  readonly support: Pick<Support, 'scopes'>;
  /** The script of the object store that a name stands for now, or as last known. */
  readonly pin: Prefetch['pin'];
}

export type LocalJobs = ReturnType<typeof createLocalJobs>;

/** What the person at the machine can do with jobs; needs no broker. Whose a run is, and which method asks for that: see `rules.ts`. */
export function createLocalJobs(options: JobsOptions) {
  const { pcId, catalogue, view, intake, ledger, registry, support } = options;
  const factsOf = offerFacts(options);
  const audience = (): Audience => ({ pcId, groups: view.groups() });

  /** The jobs that somebody here may start, some of them only while a check stands as it must. */
  function offered(): readonly Manifest[] {
    const who = audience();
    return catalogue.list().filter((manifest) => isForPeople(manifest, factsOf(manifest, who, nothingOpen)));
  }

  function list({ userKey }: Caller, { category, cursor }: { category?: string; cursor?: string }) {
    const who = audience();
    const scopes = support.scopes(userKey);
    const lastRuns = ledger.lastOf(userKey);
    const items = catalogue
      .list()
      .filter((manifest) => hindrance(manifest, factsOf(manifest, who, scopes)) === undefined)
      .filter(({ client }) => category === undefined || client?.category === category)
      .map((manifest) => offerOf(manifest, lastRuns.get(manifest.id)))
      .filter((job) => job !== undefined);
    return { ...cataloguePage(items, cursor), ...ageOf(view) };
  }

  async function startable(userKey: string, id: string): Promise<Manifest> {
    const manifest = isToken(checkedId(id)) ? legible(id, await catalogue.fresh(id)) : undefined;
    if (!manifest) throw new KlpError('NotFound', isToken(id) ? `no job ${id}` : 'no job has such an id');
    const found = hindrance(manifest, factsOf(manifest, audience(), support.scopes(userKey)));
    if (found) throw new KlpError(found.kind, `${id}${found.reason.startsWith(':') ? '' : ' '}${found.reason}`);
    return manifest;
  }

  async function execute({ userKey, feed }: Caller & Pick<LocalSession, 'feed'>, id: string): Promise<string> {
    const manifest = await startable(userKey, id);
    const command = await commandFor(manifest, options);
    const same = goesOn(registry, userKey, manifest);
    if (same) {
      feed.follow(same);
      return same.run.runId;
    }
    const bytes = Buffer.from(JSON.stringify(command));
    const admission = intake.admit({ subject: 'local', bytes, headers: {} }, userKey);
    if (admission.kind === 'full') throw new KlpError('RateLimit', admission.reason);
    if (admission.kind !== 'admitted') throw new Error(`a fresh order was not admitted: ${admission.kind}`);
    const { runId } = admission.run;
    const live = registry.get(runId);
    if (live) feed.follow(live);
    return runId;
  }

  return {
    list,
    offered,
    execute,
    output: (asked: OutputQuery): OutputPart => partOfOutput(options, asked),
    stop: (runId: string) => void registry.stop({ runId }, 'user'),
  };
}

function legible(id: string, manifest: Manifest | Unreadable | undefined): Manifest | undefined {
  if (!(manifest instanceof Unreadable)) return manifest;
  const kind: LocalErrorKind = manifest.field === 'execute.timeout' ? 'InvalidParams' : 'InternalError';
  throw new KlpError(kind, `${id}: its ${manifest.field} cannot be read: tell whoever wrote it`);
}

const nothingOpen: ReadonlySet<string> = new Set();

const offerFacts =
  ({ view, checks }: Pick<JobsOptions, 'view' | 'checks'>) =>
  (manifest: Manifest, audience: Audience, scopes: ReadonlySet<string>): OfferFacts => ({
    audience,
    scopes,
    system: osFamily(process.platform) ?? '',
    isRevoked: view.about(manifest.id).isRevoked,
    statusOf: checks.statusOf,
  });

/**
 * The run to which a click leads because it goes on: one person has one of a job, unless the manifest says otherwise. Throws KlpError
 * `RateLimit` when this person has no place for another one.
 */
function goesOn(registry: Registry, userKey: string, { id, client }: Manifest): LiveRun | undefined {
  const own = registry.all().filter(({ run }) => run.owner === userKey && run.parentId === undefined);
  const same = client?.parallel === true ? undefined : own.find(({ run }) => run.command.id === id);
  const maximum = limits.userRunsMax;
  if (same || own.length < maximum) return same;
  const limit = { limit: 'runs of a user at a time', maximum, actual: own.length };
  throw new KlpError('RateLimit', `${maximum} of your runs go on: wait until one has ended, or stop one`, { limit });
}

function ageOf(view: Pick<FleetView, 'age'>): { offline?: true; as_of?: string } {
  const { isOffline, asOfMs } = view.age();
  if (!isOffline) return {};
  return { offline: true, ...(asOfMs === undefined ? {} : { as_of: new Date(asOfMs).toISOString() }) };
}

type Caller = Pick<LocalSession, 'userKey'>;

/** What is run is what stood in the object store at the click, whatever is stored under that name by the time it starts. */
async function commandFor(manifest: Manifest, { pin }: Pick<JobsOptions, 'pin'>): Promise<Command> {
  const command = commandOf(manifest, { requestId: randomUUID(), execId: null });
  if (!command.script_object) return command;
  const script = await pin(command.script_object);
  if (!('kind' in script)) return { ...command, script_object_sha256: script.sha256 };
  // The job is there: what it needs cannot be had.
  const kind: LocalErrorKind = script.reason === 'away' ? 'AgentDisconnected' : 'InternalError';
  throw new KlpError(kind, `${manifest.id}: ${faultText(command.script_object, script)}`);
}

/** Jobs and runs of the person at the machine. */
export function jobsHandlers(jobs: LocalJobs) {
  return {
    'jobs.list': (params, { session }) => jobs.list(session, params ?? {}),
    'jobs.execute': async ({ id }, { session }) => ({ run_id: await jobs.execute(session, id) }),
    'jobs.kill': ({ run_id }) => {
      jobs.stop(run_id);
      return { requested_at: new Date().toISOString() };
    },
    'jobs.output': (params) => jobs.output(params),
    'jobs.subscribe': (params, { session }) => {
      const since = params?.since;
      return { subscription: session.feed.subscribe(since === undefined ? 0 : Date.parse(since)) };
    },
    'jobs.unsubscribe': ({ subscription }, { session }) => session.feed.unsubscribe(subscription),
  } satisfies Partial<LocalHandlers>;
}

/** The job as the list shows it; undefined without a `client` block. */
export function offerOf(manifest: Manifest, lastRun: JobRun | undefined): UserInvokableJob | undefined {
  const { client, execute } = manifest;
  if (!client) return undefined;
  const timeoutMs = parseHumantime(execute.timeout);
  const confirm = confirmOf(client.confirm);
  return {
    id: manifest.id,
    display_name: client.name,
    category: client.category,
    version: manifest.version,
    ...(client.description === undefined ? {} : { display_description: client.description }),
    ...(client.icon === undefined ? {} : { icon: client.icon }),
    ...(client.category_label === undefined ? {} : { category_label: client.category_label }),
    ...(client.category_icon === undefined ? {} : { category_icon: client.category_icon }),
    ...(client.category_order === undefined ? {} : { category_order: client.category_order }),
    ...(timeoutMs === undefined ? {} : { timeout_secs: Math.max(1, Math.floor(timeoutMs / 1000)) }),
    ...(confirm === undefined ? {} : { confirm }),
    ...(client.unlock === undefined ? {} : { unlock: client.unlock }),
    ...(lastRun === undefined ? {} : { last_run: lastRun }),
  };
}

function confirmOf(confirm: ClientBlock['confirm']): UserInvokableJob['confirm'] {
  if (confirm === undefined || typeof confirm === 'boolean') {
    return confirm === undefined ? undefined : { enabled: confirm };
  }
  const { enabled = true, message } = confirm;
  return { enabled, ...(message === undefined ? {} : { message }) };
}
