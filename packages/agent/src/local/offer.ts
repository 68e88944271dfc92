import { parseHumantime } from '@kanade/shared/fleet';
import type { JobRun, UserInvokableJob } from '@kanade/shared/local';
import { type Audience, type ClientBlock, isMeant, type Manifest } from '@kanade/shared/manifest';

/** True when the person at this machine may start the job: it has a `client` block that is meant for this machine. */
export function isOffered({ client }: Manifest, audience: Audience): boolean {
  return client !== undefined && isMeant(client.visible_to, audience);
}

/** True when the script stands in the manifest itself. */
export const isInline = ({ execute }: Manifest): boolean => execute.script !== undefined && execute.script !== '';

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
