/** The operator's side of a fleet: catalogue, orders, results. Streams and buckets are set up by `./topology`. */
export { auditJournal, eventJournal, followJournal, type Journal, readJournal } from './audit/journal.ts';
export { type AuditEntry, writeAudit } from './audit/write-audit.ts';
export { manifestBytesMax } from './catalogue/parse-manifest.ts';
export { checkManifest, type PutOptions, type PutResult, putManifest } from './catalogue/put-manifest.ts';
export { type ListedManifest, listManifests, readManifest } from './catalogue/read-manifests.ts';
export { removeManifest } from './catalogue/remove-manifest.ts';
export { revokeJob, type StatusChange, unrevokeJob } from './catalogue/set-status.ts';
export { type ListBundlesOptions, type ListedBundle, listBundles } from './collections/list-bundles.ts';
export { type OpenBundle, openBundle } from './collections/open-bundle.ts';
export {
  connectFleet,
  type Fleet,
  type FleetOptions,
} from './connection/connect-fleet.ts';
export { FleetError, type FleetErrorCode, type ManifestFault } from './fault/fleet-error.ts';
export {
  type FindResultsOptions,
  type FoundResult,
  type FoundResults,
  findResults,
} from './history/find-results.ts';
export { readResult } from './history/read-result.ts';
export { type OutputRequest, readOutput, type ShownRun, showRun } from './history/show-run.ts';
export { notificationStatus, type ReadBy } from './notify/notification-status.ts';
export {
  editNotification,
  type FoundNotification,
  type NewNotification,
  recallNotification,
  sendNotification,
} from './notify/send-notification.ts';
export {
  type AgentsOnline,
  type AgentsOnlineOptions,
  agentsOnline,
  listenMsDefault,
} from './orders/agents-online.ts';
export { type CancelOutcome, cancelOrder } from './orders/cancel-order.ts';
export { findOrder } from './orders/find-order.ts';
export { type Forgotten, forgetMachine } from './orders/forget-machine.ts';
export { type PingOptions, pingAgent } from './orders/ping-agent.ts';
export type { Order } from './orders/publish-order.ts';
export { runScript, type ScriptRequest } from './orders/run-script.ts';
export { sendKill } from './orders/send-kill.ts';
export { type OrderRequest, sendOrder } from './orders/send-order.ts';
export {
  type OrderLook,
  type StopOrderOptions,
  type StoppedOrder,
  type StoppedRun,
  stopOrder,
} from './orders/stop-order.ts';
export { type AwaitResultsOptions, awaitResults, type WaitEvent, type WaitOutcome } from './results/await-results.ts';
export {
  type FollowEvent,
  type FollowedResult,
  type FollowResultsOptions,
  followResults,
  type MissingOutput,
} from './results/follow-results.ts';
export type { MissingMachine } from './results/roll.ts';
export { type ListedScript, listScripts } from './scripts/list-scripts.ts';
export { type PutScriptOptions, type PutScriptResult, putScript } from './scripts/put-script.ts';
export { type RemovedScript, removeScript } from './scripts/remove-script.ts';
export { type FindRunsOptions, type FoundRuns, findRuns } from './watch/find-runs.ts';
export type { RunStanding, TailEvent } from './watch/follow-run.ts';
export { type AgentLogEvent, type AgentLogOptions, readAgentLog } from './watch/read-agent-log.ts';
export { type Standings, type TailRunsOptions, tailRuns, type WatchedOrder, watchOrder } from './watch/tail-runs.ts';
