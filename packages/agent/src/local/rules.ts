/**
 * Who may do what over the local protocol, as tables: who is let in, what each method asks of its caller, and what each property of a
 * job asks of whoever wants to see or start it. The server enforces these tables (`behindRules`, `hindrance`); the guide prints them; the
 * tests are made from them. Whatever stands in no table is refused.
 */
import { KlpError } from '@kanade/klp';
import type { CheckStatus } from '@kanade/shared/fleet';
import type { LocalErrorKind, localContract } from '@kanade/shared/local';
import { type Audience, isMeant, isShown, type Manifest, unservedIn } from '@kanade/shared/manifest';
import type { LocalHandlers, LocalSession } from './session.ts';

/** Kinds of users of a machine, and whether their connection is served; all is by the credentials that the system tells. */
export const callers = {
  person: { isServed: true, who: 'an account of a person: uid 1000 or above (macOS 500), with a login shell' },
  own: { isServed: true, who: 'the user of the agent, when it was started with `--allow-own-user`; then nobody else' },
  root: { isServed: false, who: 'root' },
  service: { isServed: false, who: 'an account of a service: a low uid, or no login shell' },
  stranger: { isServed: false, who: 'a uid that no account list knows' },
} as const;

/**
 * What a method asks of a caller who is served. `nothing`: it tells of the machine, or of the caller alone. `offered`: a job that `jobRules`
 * let the caller start. `own_run`: a run that the caller's OS user started, whatever connection did. `own_preview`: what that user was shown before. `nobody`: it
 * is not served.
 */
export type Need = 'nothing' | 'offered' | 'own_run' | 'own_preview' | 'nobody';
export type LocalMethod = keyof (typeof localContract)['methods'];

export const methodRules = {
  'system.handshake': 'nothing',
  'system.ping': 'nothing',
  'system.version': 'nothing',
  'system.log_tail': 'nothing',
  'state.snapshot': 'nothing',
  'state.subscribe': 'nothing',
  'state.unsubscribe': 'nothing',
  'notifications.list': 'nothing',
  'notifications.subscribe': 'nothing',
  'notifications.unsubscribe': 'nothing',
  'notifications.ack': 'nothing',
  'notifications.unack': 'nothing',
  'jobs.list': 'nothing',
  'jobs.execute': 'offered',
  'jobs.kill': 'own_run',
  'jobs.output': 'own_run',
  'jobs.subscribe': 'nothing',
  'jobs.unsubscribe': 'nothing',
  'support.preview_diagnostics': 'nothing',
  'support.upload_diagnostics': 'own_preview',
  'support.unlock': 'nothing',
  'support.lock': 'nothing',
  'support.status': 'nothing',
  'maintenance.list': 'nobody',
  'maintenance.defer': 'nobody',
} as const satisfies Record<LocalMethod, Need>;

/** The methods that are served. */
export type Served = {
  [K in LocalMethod]: (typeof methodRules)[K] extends 'nobody' ? never : K;
}[LocalMethod];

type AnyHandler = (params: { run_id: string }, context: { session: Pick<LocalSession, 'userKey'> }) => unknown;

/**
 * The handlers behind what the table asks of their callers. The same words for a stranger's run and for none: which it is, is not told.
 * What is `offered` is judged by `hindrance`, with the manifest at hand; an `own_preview` is looked for among those of the caller alone.
 */
export function behindRules(
  handlers: Pick<LocalHandlers, Served>,
  ownerOf: (runId: string) => string | null | undefined,
): Partial<LocalHandlers> {
  const guard = ([method, handler]: [string, unknown]): [string, unknown] => {
    if ((methodRules[method as LocalMethod] satisfies Need) !== 'own_run') return [method, handler];
    const own: AnyHandler = (params, context) => {
      if (ownerOf(params.run_id) === context.session.userKey) return (handler as AnyHandler)(params, context);
      throw new KlpError('Unauthorized' satisfies LocalErrorKind, 'not a run of yours');
    };
    return [method, own];
  };
  return Object.fromEntries(Object.entries(handlers).map(guard));
}

/** The id of a job or a notification that somebody names. Throws KlpError `InvalidParams` for one that nothing can have. */
export function checkedId(id: string): string {
  if (/^[A-Za-z0-9_.-]+$/.test(id)) return id;
  throw new KlpError('InvalidParams' satisfies LocalErrorKind, 'id: use A-Z a-z 0-9 _ . -');
}

/** What is known of a job, its machine and who asks for it. */
export interface OfferFacts {
  readonly audience: Audience;
  readonly system: string;
  readonly isRevoked: boolean;
  /** The newest status of a check; undefined when it never ran. */
  readonly statusOf: (check: string) => CheckStatus | undefined;
  /** Scopes that a support code has opened for the caller. */
  readonly scopes: ReadonlySet<string>;
}

export interface JobRule {
  /** Where in the manifest, or beside it, the property stands. */
  readonly property: string;
  /** For whom the job is, to be read after "the job is for". */
  readonly lets: string;
  readonly kind: LocalErrorKind;
  /** What it looks at changes from one minute to the next. */
  readonly isPassing?: true;
  /** Why the job is neither listed nor started, to be read after its id; undefined when this rule lets it pass. */
  readonly refuse: (manifest: Manifest, facts: OfferFacts) => string | undefined;
}

/** A job is listed and can be started when no rule refuses it; what `jobs.execute` answers is what the first that does says. */
export const jobRules: readonly JobRule[] = [
  {
    property: '`client`',
    lets: 'people, if it has this block',
    kind: 'Unauthorized',
    refuse: ({ client }) => (client ? undefined : 'is not offered to people here'),
  },
  {
    property: '`client.visible_to`',
    lets: 'the machines and groups that are named; without it for all',
    kind: 'Unauthorized',
    refuse: ({ client }, { audience }) =>
      isMeant(client?.visible_to, audience) ? undefined : 'is not offered to people here',
  },
  {
    property: '`client.platforms`',
    lets: 'the systems that are named; without it for all',
    kind: 'Unauthorized',
    refuse: ({ client }, { system }) =>
      client?.platforms?.some((platform) => platform === system) === false
        ? `is for ${client.platforms.join(', ')}`
        : undefined,
  },
  {
    property: '`script_status`',
    lets: 'nobody, while an operator has revoked it',
    kind: 'Unauthorized',
    refuse: (_, { isRevoked }) => (isRevoked ? 'is revoked' : undefined),
  },
  {
    property: '`client.show_when`',
    lets: 'people, while the check that is named stands as it says',
    kind: 'Unauthorized',
    isPassing: true,
    refuse: hiddenBy,
  },
  {
    property: '`client.unlock`',
    lets: 'those for whom a support code has opened the scope that is named, until its time is over',
    kind: 'Unauthorized',
    isPassing: true,
    refuse: ({ client }, { scopes }) =>
      client?.unlock === undefined || scopes.has(client.unlock) ? undefined : 'is opened by a support code',
  },
  {
    property: '`execute.script`',
    lets: 'people, if its script stands there or in the object store (`execute.script_object`)',
    kind: 'InvalidParams',
    refuse: ({ execute }) =>
      execute.script || execute.script_object ? undefined : 'has no script that can be run here',
  },
  {
    property: '`require_approval`, `tier`',
    lets: "people, if it needs nobody's approval and no controller",
    kind: 'Unauthorized',
    refuse: unserved,
  },
];

/** True when only what is passing, if anything, keeps people from the job. */
export const isForPeople = (manifest: Manifest, facts: OfferFacts): boolean =>
  jobRules.every((rule) => rule.isPassing === true || rule.refuse(manifest, facts) === undefined);

/** The first rule that refuses a job, and what it says; undefined when it is offered. */
export function hindrance(manifest: Manifest, facts: OfferFacts): { kind: LocalErrorKind; reason: string } | undefined {
  for (const { kind, refuse } of jobRules) {
    const reason = refuse(manifest, facts);
    if (reason !== undefined) return { kind, reason };
  }
  return undefined;
}

function unserved(manifest: Manifest): string | undefined {
  const found = unservedIn(manifest).find(({ refusedTo }) => refusedTo !== 'nobody');
  return found && `: ${found.path}: ${found.reason}`;
}

function hiddenBy({ client }: Manifest, { statusOf }: OfferFacts): string | undefined {
  if (client?.show_when === undefined) return undefined;
  const { check, is } = client.show_when;
  const status = statusOf(check);
  if (isShown(client.show_when, status)) return undefined;
  const stands = status === undefined ? 'has not run' : `is ${status}`;
  return `: client.show_when: the check ${check} ${stands}, and it is for ${[is].flat().join(', ')}`;
}
