/** The operator's side of a fleet: catalogue, orders, results. Streams and buckets are set up by `./topology`. */
export { manifestBytesMax } from './catalogue/parse-manifest.ts';
export { checkManifest, type PutOptions, type PutResult, putManifest } from './catalogue/put-manifest.ts';
export { type ListedManifest, listManifests, readManifest } from './catalogue/read-manifests.ts';
export { removeManifest } from './catalogue/remove-manifest.ts';
export {
  connectFleet,
  type Fleet,
  type FleetOptions,
} from './connection/connect-fleet.ts';
export { FleetError, type FleetErrorCode, type ManifestFault } from './fault/fleet-error.ts';
export {
  type AgentsOnline,
  type AgentsOnlineOptions,
  agentsOnline,
  listenMsDefault,
} from './orders/agents-online.ts';
export { type PingOptions, pingAgent } from './orders/ping-agent.ts';
export { sendKill } from './orders/send-kill.ts';
export { type Order, type OrderRequest, sendOrder } from './orders/send-order.ts';
export {
  type FollowEvent,
  type FollowedResult,
  type FollowResultsOptions,
  followResults,
  type MissingOutput,
} from './results/follow-results.ts';
