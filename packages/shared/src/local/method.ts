import * as z from 'zod';
import { NotificationAmendment } from '../fleet/notification.ts';
import { optional } from '../scalar/field.ts';
import { Instant } from '../scalar/time.ts';
import type { LocalErrorKind } from './error-kind.ts';
import { Handshake, HandshakeResult, VersionResult } from './handshake.ts';
import { StateChanged, StateSnapshot } from './machine-state.ts';
import { DeferDuration, MaintenanceItem } from './maintenance.ts';
import { JobProgress, OutputPart, OutputQuery, UserInvokableJob } from './message.ts';
import { LocalNotification, NotificationFilter } from './notification.ts';
import { DiagnosticsPreview, DiagnosticsResult, UnlockGrant } from './support.ts';
import { localErrors } from './words.ts';

const nothing = z.looseObject({}).nullish();
const subscription = z.looseObject({ subscription: z.string() });
const grants = z.looseObject({ grants: z.array(UnlockGrant) });
const count = z.int().nonnegative();

/**
 * Ours: `offline` while what the fleet said may be out of date, because its broker cannot be asked; `as_of` is then when it was last known
 * to be right, absent when that never was so. The jobs of the machine itself are always right.
 */
const catalogue = z.looseObject({
  items: z.array(UserInvokableJob),
  /** Ours. There are more jobs than fit into one message: what to ask for next. */
  next_cursor: optional(z.string()),
  offline: optional(z.boolean()),
  as_of: optional(Instant),
});

const logTailParams = z.looseObject({ lines: optional(count) });
const notificationParams = z.looseObject({
  filter: optional(NotificationFilter),
  limit: optional(count),
  cursor: optional(z.string()),
});
const diagnosticsParams = z.looseObject({
  summary: optional(z.string()),
  detail: optional(z.string()),
  contact: optional(z.string()),
});

interface Method {
  readonly params: z.ZodType;
  readonly result: z.ZodType;
  /** What it may answer beyond `commonErrors`. */
  readonly errors?: readonly LocalErrorKind[];
  /** What comes by itself after it. */
  readonly pushes?: readonly string[];
}

const jobPushes = ['jobs.progress'] as const;
const subscribedPushes = [...jobPushes, 'jobs.changed'] as const;
const statePushes = ['state.changed'] as const;
const notificationPushes = ['notifications.new', 'notifications.amended'] as const;

/**
 * Method → shapes of its params and result, errors beyond the common ones, pushes that follow; push → shape of its params.
 * The agent serves it, the Client App calls it. Void results are null; params that may all be left out may also be null.
 * `localDefaults` says what absent ones mean. All subscriptions die with the connection.
 */
export const localContract = {
  /** Must come first on a connection. */
  handshake: 'system.handshake',
  /** Answered however many slow requests run. */
  prompt: ['system.ping'],
  errors: localErrors,
  methods: {
    'system.handshake': { params: Handshake, result: HandshakeResult, errors: ['StaleProtocol'] },
    'system.ping': { params: nothing, result: z.looseObject({ agent_time: Instant }) },
    'system.version': { params: nothing, result: VersionResult },
    'system.log_tail': {
      params: logTailParams.nullish(),
      result: z.looseObject({ lines: z.array(z.string()), truncated: optional(z.boolean()) }),
    },
    'state.snapshot': { params: nothing, result: StateSnapshot },
    'state.subscribe': { params: nothing, result: subscription, pushes: statePushes },
    'state.unsubscribe': { params: subscription, result: z.null(), errors: ['NotFound'] },
    'notifications.list': {
      params: notificationParams.nullish(),
      result: z.looseObject({ items: z.array(LocalNotification), next_cursor: optional(z.string()) }),
      errors: ['AgentDisconnected'],
    },
    'notifications.subscribe': { params: nothing, result: subscription, pushes: notificationPushes },
    'notifications.unsubscribe': { params: subscription, result: z.null(), errors: ['NotFound'] },
    'notifications.ack': {
      params: z.looseObject({ id: z.string() }),
      result: z.looseObject({ acked_at: Instant }),
      errors: ['NotFound', 'AgentDisconnected'],
    },
    'notifications.unack': {
      params: z.looseObject({ id: z.string() }),
      result: z.looseObject({ unacked_at: Instant }),
      errors: ['NotFound', 'AgentDisconnected'],
    },
    'jobs.list': {
      params: z.looseObject({ category: optional(z.string()), cursor: optional(z.string()) }).nullish(),
      result: catalogue,
    },
    'jobs.execute': {
      params: z.looseObject({ id: z.string() }),
      result: z.looseObject({ run_id: z.string() }),
      errors: ['NotFound', 'Unauthorized', 'RateLimit', 'AgentDisconnected'],
      pushes: jobPushes,
    },
    'jobs.kill': {
      params: z.looseObject({ run_id: z.string() }),
      result: z.looseObject({ requested_at: Instant }),
      errors: ['Unauthorized'],
    },
    /** Ours. A part of the output of a run of one's own, from the disk of the machine. */
    'jobs.output': { params: OutputQuery, result: OutputPart, errors: ['Unauthorized', 'NotFound'] },
    /** Then come the live runs, and the endings since `since` (ours; at most a day ago, at most 30), the oldest first. */
    'jobs.subscribe': {
      params: z.looseObject({ since: optional(Instant) }).nullish(),
      result: subscription,
      pushes: subscribedPushes,
    },
    'jobs.unsubscribe': { params: subscription, result: z.null(), errors: ['NotFound'] },
    /** Ours. Makes what `support.upload_diagnostics` would send, for the caller to read first. */
    'support.preview_diagnostics': {
      params: diagnosticsParams.nullish(),
      result: DiagnosticsPreview,
      errors: ['RateLimit'],
    },
    /** What is said in words was said to the preview; here it may be left out, or is the same. */
    'support.upload_diagnostics': {
      params: diagnosticsParams.extend({ preview: optional(z.string()) }).nullish(),
      result: DiagnosticsResult,
      errors: ['AgentDisconnected', 'NotFound', 'RateLimit'],
    },
    'support.unlock': {
      params: z.looseObject({ code: z.string() }),
      result: grants,
      errors: ['Unauthorized', 'RateLimit'],
    },
    'support.lock': { params: nothing, result: z.looseObject({ released: count }) },
    'support.status': { params: nothing, result: grants },
    'maintenance.list': {
      params: z.looseObject({ window_days: optional(z.int()) }).nullish(),
      result: z.looseObject({ items: z.array(MaintenanceItem) }),
    },
    'maintenance.defer': {
      params: z.looseObject({ schedule_id: z.string(), duration: DeferDuration }),
      result: z.looseObject({ new_fire_at: Instant }),
      errors: ['NotFound'],
    },
  },
  pushes: {
    'jobs.progress': JobProgress,
    /** Ours. `jobs.list` may answer otherwise than before; told to who has subscribed, at most every few seconds. */
    'jobs.changed': z.looseObject({ at: Instant }),
    'state.changed': StateChanged,
    'notifications.new': LocalNotification,
    'notifications.amended': NotificationAmendment,
  },
} as const satisfies {
  handshake: string;
  prompt: readonly string[];
  errors: typeof localErrors;
  methods: Record<string, Method>;
  pushes: Record<string, z.ZodType>;
};
