import type { Duplex } from 'node:stream';
import { z } from 'zod';
import { type Connection, defineContract, type ServerLimits, serveConnection } from '../src/index.ts';
import { errors } from './errors.ts';

/** The server that section 7 of PROTOCOL.md describes. */
const contract = defineContract({
  handshake: 'system.handshake',
  prompt: ['system.ping'],
  errors,
  methods: {
    'system.handshake': { params: z.object({ client: z.string() }), result: z.object({}) },
    'system.ping': { params: z.object({}), result: z.object({ pong: z.boolean() }) },
    echo: { params: z.object({ text: z.string() }), result: z.object({ text: z.string() }) },
    repeat: { params: z.object({ text: z.string(), times: z.int() }), result: z.object({ text: z.string() }) },
    fail: { params: z.object({}), result: z.null() },
    wait: { params: z.object({}), result: z.null() },
  },
  pushes: {},
});

/** Serves one connection with it. */
export function serveVectors(duplex: Duplex, limits: Partial<ServerLimits> = {}): Connection<typeof contract> {
  return serveConnection(duplex, {
    contract,
    peer: undefined,
    limits: { requestsPerMinute: Number.POSITIVE_INFINITY, lingerMs: 50, ...limits },
    handlers: {
      'system.handshake': () => ({}),
      'system.ping': () => ({ pong: true }),
      echo: ({ text }) => ({ text }),
      repeat: ({ text, times }) => ({ text: text.repeat(times) }),
      fail: () => {
        throw new Error('secret');
      },
      wait: (_params, { signal }) =>
        new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    },
  });
}
