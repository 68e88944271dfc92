import { z } from 'zod';
import { defineContract } from '../src/index.ts';
import { errors } from './errors.ts';

/** The contract the suites speak: one method per behaviour of a handler. */
export const contract = defineContract({
  handshake: 'system.handshake',
  prompt: ['system.ping'],
  errors,
  methods: {
    'system.handshake': {
      params: z.object({ client: z.string() }),
      result: z.object({ server: z.string(), user: z.string() }),
    },
    'system.ping': { params: z.object({}), result: z.object({ pong: z.boolean() }) },
    'text.echo': {
      params: z.object({ text: z.string(), times: z.int().min(1).default(1) }),
      result: z.object({ text: z.string() }),
    },
    'session.count': { params: z.object({}), result: z.int() },
    'gate.wait': { params: z.object({ gate: z.string() }), result: z.null() },
    'gate.ignore': { params: z.object({ gate: z.string() }), result: z.null() },
    'reason.wait': { params: z.object({}), result: z.null() },
    'item.subscribe': { params: z.object({}), result: z.object({ subscription: z.string() }) },
    'item.unsubscribe': { params: z.object({ subscription: z.string() }), result: z.null() },
    'fail.loudly': { params: z.object({}), result: z.null() },
    'fail.politely': { params: z.object({}), result: z.null() },
    'fail.shape': { params: z.object({}), result: z.int() },
    'fail.cyclic': { params: z.object({}), result: z.unknown() },
    'push.burst': {
      params: z.object({ count: z.int(), chars: z.int(), droppable: z.boolean() }),
      result: z.object({ sent: z.int(), dropped: z.int() }),
    },
    'not.built': { params: z.object({}), result: z.null() },
  },
  pushes: { 'burst.item': z.object({ n: z.int(), filler: z.string() }), 'burst.done': z.object({}) },
});
export type TestContract = typeof contract;
