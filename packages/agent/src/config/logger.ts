import { brokerFault } from '@kanade/fleet/connection';
import type { LogLevel } from '@kanade/shared/fleet';
import { type Logger, pino, stdTimeFunctions } from 'pino';

export type { Logger } from 'pino';

/** JSON lines through `write`, each line written before the call returns. */
export function createLogger(level: LogLevel, write: (line: string) => void): Logger {
  return pino({ level, base: null, serializers: { err: told }, timestamp: stdTimeFunctions.isoTime }, { write });
}

/** What the broker or the way to it is to blame for is told in words: a stack says nothing of it. */
const told = (error: Error): unknown => brokerFault(error) ?? pino.stdSerializers.err(error);
