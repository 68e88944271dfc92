import { randomUUID } from 'node:crypto';
import { KlpError } from '@kanade/klp';
import { commandOf, isToken, type Manifest } from '@kanade/shared/fleet';
import type { Catalogue } from '../catalogue.ts';
import type { Admit } from '../intake/admit.ts';
import type { Registry } from '../run/registry.ts';
import type { RunCommand } from '../run/run-command.ts';
import type { RunRows } from '../run/run-rows.ts';
import type { Feed } from './feed.ts';
import { type Audience, byName, isInline, isOffered, offerOf } from './offer.ts';

export interface JobsOptions {
  readonly catalogue: Catalogue;
  readonly audience: () => Audience;
  readonly isRevoked: (jobId: string) => boolean;
  readonly admit: Admit;
  readonly rows: RunRows;
  readonly runCommand: RunCommand;
  readonly registry: Registry;
}

/** One person on one connection: the key by which runs belong to people, and where their progress goes. */
export interface JobsSession {
  readonly userKey: string;
  readonly feed: Feed;
}

/** What the person at the machine can do with jobs; needs no broker. */
export function createJobs(options: JobsOptions) {
  const { catalogue, audience, admit, rows, runCommand, registry } = options;

  function list({ userKey }: JobsSession, category: string | undefined) {
    const who = audience();
    return catalogue
      .list()
      .filter((manifest) => isOffered(manifest, who) && isInline(manifest))
      .filter(({ client }) => category === undefined || client?.category === category)
      .map((manifest) => offerOf(manifest, rows.lastOf(userKey, manifest.id)))
      .filter((job) => job !== undefined)
      .sort(byName);
  }

  async function startable(id: string): Promise<Manifest> {
    if (!isToken(id)) throw new KlpError('InvalidParams', 'id: use A-Z a-z 0-9 _ . -');
    const manifest = await catalogue.fresh(id);
    if (!manifest) throw new KlpError('NotFound', `no job ${id}`);
    if (!isOffered(manifest, audience())) throw new KlpError('Unauthorized', `${id} is not offered to people here`);
    if (options.isRevoked(id)) throw new KlpError('Unauthorized', `${id} is revoked`);
    if (!isInline(manifest)) throw new KlpError('InvalidParams', `${id} has no inline script; not yet runnable here`);
    return manifest;
  }

  async function execute(session: JobsSession, id: string): Promise<string> {
    const manifest = await startable(id);
    const command = commandOf(manifest, { requestId: randomUUID(), execId: null });
    const bytes = Buffer.from(JSON.stringify(command));
    const admission = admit({ subject: 'local', bytes, origin: 'local', owner: session.userKey });
    if (admission.kind === 'full')
      throw new KlpError('RateLimit', 'this machine has taken as many orders as it can remember');
    if (admission.kind !== 'admitted') throw new Error(`a fresh order was not admitted: ${admission.kind}`);
    const { run } = admission;
    runCommand.start(run);
    const live = registry.get(run.runId);
    if (live) session.feed.follow(live);
    return run.runId;
  }

  /** The same answer for a stranger's run and for none: whether it exists is not told. */
  function kill({ userKey }: JobsSession, runId: string): void {
    if (rows.ownerOf(runId) !== userKey) throw new KlpError('Unauthorized', 'not a run of yours');
    registry.stop({ runId }, 'user');
  }

  return { list, execute, kill };
}
