/** The agent as a program (`main`) and as a part of another program or a test (`createAgent`). */

export type { LogLevel } from '@kanade/shared/fleet';
export { type Agent, createAgent } from './agent.ts';
export { AgentError, type AgentErrorCode } from './agent-error.ts';
export type { AgentConfig } from './config/config.ts';
export { createLogger } from './config/logger.ts';
export type { Io } from './io.ts';
export { configuredDataDir, main } from './main.ts';
