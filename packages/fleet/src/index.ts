/** The operator's side of a fleet: catalogue, orders, results. Streams and buckets are set up by `./topology`. */
export { manifestBytesMax } from './catalogue/parse-job.ts';
export { checkJob, type PutJobOptions, type PutJobResult, putJob } from './catalogue/put-job.ts';
export { type ListedJob, listJobs, readJob } from './catalogue/read-jobs.ts';
export { removeJob } from './catalogue/remove-job.ts';
export {
  connectFleet,
  connectTimeoutMsDefault,
  type Fleet,
  type FleetOptions,
  requestTimeoutMsDefault,
} from './connection/connect-fleet.ts';
export { FleetError, type FleetErrorCode, type ManifestFault } from './fault/fleet-error.ts';
export {
  type AgentsOnline,
  type AgentsOnlineOptions,
  agentsMaxDefault,
  agentsOnline,
  listenMsDefault,
} from './order/agents-online.ts';
export { type ExecRequest, exec, type Order } from './order/exec.ts';
export { kill } from './order/kill.ts';
export { type PingOptions, ping } from './order/ping.ts';
export {
  type FollowEvent,
  type FollowedResult,
  type FollowOptions,
  followResults,
  type MissingOutput,
  outputBytesMaxDefault,
} from './result/follow-results.ts';
