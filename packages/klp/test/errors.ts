import type { ErrorTable } from '../src/index.ts';

/** The errors of PROTOCOL.md, as the contracts of the suites and the vectors name them. */
export const errors = {
  ParseError: { code: -32700, message: 'Parse error' },
  InvalidRequest: { code: -32600, message: 'Invalid Request' },
  MethodNotFound: { code: -32601, message: 'Method not found' },
  InvalidParams: { code: -32602, message: 'Invalid params' },
  InternalError: { code: -32603, message: 'Internal error' },
  Unauthorized: { code: -32000, message: 'Unauthorized' },
  RateLimit: { code: -32003, message: 'Rate limit exceeded' },
  PayloadTooLarge: { code: -32005, message: 'Payload too large' },
  DeadlineExceeded: { code: -32006, message: 'Deadline exceeded' },
  Cancelled: { code: -32007, message: 'Cancelled' },
  NotFound: { code: -32001, message: 'Not found' },
  AgentDisconnected: { code: -32002, message: 'Agent disconnected from broker' },
  StaleProtocol: { code: -32004, message: 'Stale protocol version' },
} as const satisfies ErrorTable;
