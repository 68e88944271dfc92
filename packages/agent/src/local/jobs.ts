import { randomUUID } from 'node:crypto';
import { KlpError } from '@kanade/klp';
import { type Command, isToken, parseHumantime } from '@kanade/shared/fleet';
import type { JobRun, UserInvokableJob } from '@kanade/shared/local';
import {
  type Audience,
  type ClientBlock,
  commandOf,
  isMeant,
  isShown,
  type Manifest,
  type Unserved,
  unservedIn,
} from '@kanade/shared/manifest';
import type { Intake } from '../intake/admit.ts';
import type { Registry } from '../run/supervise.ts';
import type { Prefetch } from '../script/prefetch.ts';
import { faultText } from '../script/script-fault.ts';
import type { CheckResults } from '../store/check-results.ts';
import type { FleetView } from '../store/fleet-cache.ts';
import type { Ledger } from '../store/ledger.ts';
import type { Catalogue } from './catalogue.ts';
import type { ProgressFeed } from './feed.ts';

export interface JobsOptions {
  readonly pcId: string;
  readonly catalogue: Catalogue;
  readonly view: Pick<FleetView, 'about' | 'groups'>;
  readonly intake: Pick<Intake, 'admit'>;
  readonly ledger: Pick<Ledger, 'lastOf' | 'ownerOf'>;
  readonly checks: Pick<CheckResults, 'statusOf'>;
  readonly registry: Registry;
  /** The script of the object store that a name stands for now, or as last known. */
  readonly pin: Prefetch['pin'];
}

/** One person on one connection: the key by which runs belong to people, and where their progress goes. */
export interface JobsSession {
  readonly userKey: string;
  readonly feed: ProgressFeed;
}

/** What the person at the machine can do with jobs; needs no broker. */
export function createLocalJobs(options: JobsOptions) {
  const { pcId, catalogue, view, intake, ledger, registry, checks } = options;
  const audience = (): Audience => ({ pcId, groups: view.groups() });

  /** The jobs that somebody here may start, some of them only while a check stands as it must. */
  function offered(): readonly Manifest[] {
    const who = audience();
    const isRunnable = (manifest: Manifest): boolean => hasScript(manifest) && hindranceOf(manifest) === undefined;
    return catalogue.list().filter((manifest) => isOffered(manifest, who) && isRunnable(manifest));
  }

  function list({ userKey }: JobsSession, category: string | undefined) {
    const lastRuns = ledger.lastOf(userKey);
    return offered()
      .filter((manifest) => hiddenBy(manifest, checks) === undefined)
      .filter(({ client }) => category === undefined || client?.category === category)
      .map((manifest) => offerOf(manifest, lastRuns.get(manifest.id)))
      .filter((job) => job !== undefined)
      .sort(byName);
  }

  async function startable(id: string): Promise<Manifest> {
    if (!isToken(id)) throw new KlpError('InvalidParams', 'id: use A-Z a-z 0-9 _ . -');
    const manifest = await catalogue.fresh(id);
    if (!manifest) throw new KlpError('NotFound', `no job ${id}`);
    if (!isOffered(manifest, audience())) throw new KlpError('Unauthorized', `${id} is not offered to people here`);
    if (view.about(id).isRevoked) throw new KlpError('Unauthorized', `${id} is revoked`);
    if (!hasScript(manifest)) throw new KlpError('InvalidParams', `${id} has no script that can be run here`);
    const hindrance = hindranceOf(manifest);
    if (hindrance) {
      throw new KlpError('Unauthorized', `${id}: ${hindrance.path}: ${hindrance.reason}`);
    }
    const hidden = hiddenBy(manifest, checks);
    if (hidden !== undefined) throw new KlpError('Unauthorized', `${id}: client.show_when: ${hidden}`);
    return manifest;
  }

  async function execute(session: JobsSession, id: string): Promise<string> {
    const manifest = await startable(id);
    const command = await commandFor(manifest, options);
    const bytes = Buffer.from(JSON.stringify(command));
    const admission = intake.admit({ subject: 'local', bytes, headers: {} }, session.userKey);
    if (admission.kind === 'full') throw new KlpError('RateLimit', admission.reason);
    if (admission.kind !== 'admitted') throw new Error(`a fresh order was not admitted: ${admission.kind}`);
    const { runId } = admission.run;
    const live = registry.get(runId);
    if (live) session.feed.follow(live);
    return runId;
  }

  /** The same answer for a stranger's run and for none: whether it exists is not told. */
  function kill({ userKey }: JobsSession, runId: string): void {
    if (ledger.ownerOf(runId) !== userKey) throw new KlpError('Unauthorized', 'not a run of yours');
    registry.stop({ runId }, 'user');
  }

  return { list, offered, execute, kill };
}

/** True when the person at this machine may start the job: it has a `client` block that is meant for this machine. */
export function isOffered({ client }: Manifest, audience: Audience): boolean {
  return client !== undefined && isMeant(client.visible_to, audience);
}

/** Why the newest status of a check keeps the job from people; undefined when none does. */
export function hiddenBy({ client }: Manifest, checks: Pick<CheckResults, 'statusOf'>): string | undefined {
  if (client?.show_when === undefined) return undefined;
  const { check, is } = client.show_when;
  const status = checks.statusOf(check);
  if (isShown(client.show_when, status)) return undefined;
  return `the check ${check} ${status === undefined ? 'has not run' : `is ${status}`}, and it is for ${[is].flat().join(', ')}`;
}

/** What of a manifest keeps people from starting the job, because nobody carries it out; undefined when nothing does. */
export const hindranceOf = (manifest: Manifest): Unserved | undefined =>
  unservedIn(manifest).find(({ refusedTo }) => refusedTo !== 'nobody');

/** True when the script stands in the manifest itself, or in the object store. */
const hasScript = ({ execute }: Manifest): boolean => Boolean(execute.script || execute.script_object);

/** What is run is what stood in the object store at the click, whatever is stored under that name by the time it starts. */
async function commandFor(manifest: Manifest, { pin }: Pick<JobsOptions, 'pin'>): Promise<Command> {
  const command = commandOf(manifest, { requestId: randomUUID(), execId: null });
  if (!command.script_object) return command;
  const script = await pin(command.script_object);
  if (!('kind' in script)) return { ...command, script_object_sha256: script.sha256 };
  throw new KlpError('NotFound', `${manifest.id}: ${faultText(command.script_object, script)}`);
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
    ...(timeoutMs === undefined ? {} : { timeout_secs: Math.max(1, Math.ceil(timeoutMs / 1000)) }),
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

/** By display name, then by id, in the order of the code points, so that every machine lists alike. */
export function byName(a: UserInvokableJob, b: UserInvokableJob): number {
  return compare(a.display_name, b.display_name) || compare(a.id, b.id);
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
