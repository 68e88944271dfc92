import { randomUUID } from 'node:crypto';
import { KlpError } from '@kanade/klp';
import { isToken } from '@kanade/shared/fleet';
import { type Audience, commandOf, type Manifest } from '@kanade/shared/manifest';
import type { Intake } from '../intake/admit.ts';
import type { Registry } from '../run/registry.ts';
import type { FleetView } from '../store/fleet-cache.ts';
import type { Ledger } from '../store/ledger.ts';
import type { Catalogue } from './catalogue.ts';
import type { ProgressFeed } from './feed.ts';
import { byName, isInline, isOffered, offerOf } from './offer.ts';

export interface JobsOptions {
  readonly pcId: string;
  readonly catalogue: Catalogue;
  readonly view: Pick<FleetView, 'about' | 'groups'>;
  readonly intake: Pick<Intake, 'admit'>;
  readonly ledger: Pick<Ledger, 'lastOf' | 'ownerOf'>;
  readonly registry: Registry;
}

/** One person on one connection: the key by which runs belong to people, and where their progress goes. */
export interface JobsSession {
  readonly userKey: string;
  readonly feed: ProgressFeed;
}

/** What the person at the machine can do with jobs; needs no broker. */
export function createLocalJobs(options: JobsOptions) {
  const { pcId, catalogue, view, intake, ledger, registry } = options;
  const audience = (): Audience => ({ pcId, groups: view.groups() });

  function list({ userKey }: JobsSession, category: string | undefined) {
    const who = audience();
    const lastRuns = ledger.lastOf(userKey);
    return catalogue
      .list()
      .filter((manifest) => isOffered(manifest, who) && isInline(manifest))
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
    if (!isInline(manifest)) throw new KlpError('InvalidParams', `${id} has no inline script; not yet runnable here`);
    return manifest;
  }

  async function execute(session: JobsSession, id: string): Promise<string> {
    const manifest = await startable(id);
    const command = commandOf(manifest, { requestId: randomUUID(), execId: null });
    const bytes = Buffer.from(JSON.stringify(command));
    const admission = intake.admit({ subject: 'local', bytes, origin: 'local', owner: session.userKey });
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

  return { list, execute, kill };
}
