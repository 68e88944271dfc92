import { KlpError, limitError } from '../wire/error.ts';
import { encodeError, encodeResult, type Message } from '../wire/message.ts';
import type { Channel } from './channel.ts';
import type { Contract, MethodName } from './contract.ts';
import type { ServerLimits } from './limits.ts';
import { createRequestSlots } from './request-slots.ts';
import type { RequestContext, ServeOptions } from './serving.ts';
import { describeIssues } from './standard-schema.ts';

export type Request = Extract<Message, { kind: 'request' }>;

/** The requests of one connection, from admission to answer. */
export interface Requests {
  /** Why a request cannot be served at all, or undefined. */
  problem(request: Request): KlpError | undefined;
  /** Runs it at once. Resolves, never rejects, when its answer was queued: true when that was a result. */
  answer(request: Request): Promise<boolean>;
  /** Runs it at once or when a place is free; otherwise says why not. */
  place(request: Request): KlpError | undefined;
  /** Aborts what runs and forgets what waits. */
  abort(reason: unknown): void;
  /** Resolves when nothing runs and nothing waits. */
  idle(): Promise<void>;
}

interface RequestsOptions<C extends Contract, Peer, Session>
  extends Pick<ServeOptions<C, Peer, Session>, 'contract' | 'handlers' | 'promptMethods'>,
    Required<Pick<ServeOptions<C, Peer, Session>, 'onEvent'>> {
  /** What every handler of this connection gets beside its own signal. */
  scope: Omit<RequestContext<C, Peer, Session>, 'signal'>;
  send: Channel['send'];
  limits: ServerLimits;
}

type AnyHandler = (params: unknown, context: unknown) => unknown;

export function createRequests<C extends Contract, Peer, Session>(
  options: RequestsOptions<C, Peer, Session>,
): Requests {
  const { contract, handlers, scope, send, limits, onEvent } = options;
  const promptMethods: readonly string[] = options.promptMethods ?? ['system.ping'];
  const slots = createRequestSlots({ runningMax: limits.requestsInFlightMax, waitingMax: limits.requestsWaitingMax });
  const signals = createRequestSignals();

  function findHandler(method: string): AnyHandler | undefined {
    if (!Object.hasOwn(contract.methods, method) || !Object.hasOwn(handlers, method)) return undefined;
    return handlers[method as MethodName<C>] as AnyHandler | undefined;
  }

  function problem({ id, method }: Request): KlpError | undefined {
    if (!findHandler(method)) return new KlpError('MethodNotFound', method.slice(0, 100));
    if (signals.has(id)) return new KlpError('InvalidRequest', 'the id is already in use');
    return undefined;
  }

  async function answer(request: Request): Promise<boolean> {
    const { id } = request;
    signals.add(id);
    try {
      const sent = send(encodeResult(id, await handle(request)));
      signals.delete(id);
      return (await sent) === 'queued';
    } catch (cause) {
      signals.delete(id);
      await send(encodeError(id, outwardError(request.method, cause)));
      return false;
    }
  }

  async function handle({ id, method, params }: Request): Promise<unknown> {
    const checked = await contract.methods[method]?.params['~standard'].validate(params);
    if (!checked || checked.issues) throw new KlpError('InvalidParams', describeIssues(checked?.issues ?? []));
    const context = {
      ...scope,
      get signal() {
        return signals.signal(id);
      },
    };
    return findHandler(method)?.(checked.value, context);
  }

  function outwardError(method: string, cause: unknown): KlpError {
    if (cause instanceof KlpError) {
      onEvent({ kind: 'request_refused', method, error: cause });
      return cause;
    }
    onEvent({ kind: 'handler_failed', method, error: cause });
    return new KlpError('InternalError');
  }

  function place(request: Request): KlpError | undefined {
    signals.add(request.id);
    const task = async () => {
      await answer(request);
    };
    if (promptMethods.includes(request.method)) {
      slots.runNow(task);
      return undefined;
    }
    if (slots.run(task)) return undefined;
    signals.delete(request.id);
    const passed = { limit: 'requestsWaitingMax', maximum: limits.requestsWaitingMax, actual: slots.waiting + 1 };
    return limitError('RateLimit', passed);
  }

  function abort(reason: unknown): void {
    slots.clear();
    signals.abort(reason);
  }

  return { problem, answer, place, abort, idle: slots.idle };
}

/** The ids in use and their signals, made on demand: most handlers end before anybody could abort them. */
function createRequestSignals() {
  const controllers = new Map<string, AbortController | undefined>();
  let ended: { reason: unknown } | undefined;
  return {
    has: (id: string): boolean => controllers.has(id),
    add: (id: string): void => {
      if (!controllers.has(id)) controllers.set(id, undefined);
    },
    delete: (id: string): void => {
      controllers.delete(id);
    },
    signal: (id: string): AbortSignal => {
      if (ended) return AbortSignal.abort(ended.reason);
      const controller = controllers.get(id) ?? new AbortController();
      if (controllers.has(id)) controllers.set(id, controller);
      return controller.signal;
    },
    abort: (reason: unknown): void => {
      ended = { reason };
      for (const controller of controllers.values()) controller?.abort(reason);
    },
  };
}
