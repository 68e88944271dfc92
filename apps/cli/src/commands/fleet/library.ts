/** What the commands need of the operator's library; loaded on demand, because it brings NATS. */
export {
  agentsOnline,
  checkJob,
  connectFleet,
  exec,
  followResults,
  kill,
  listenMsDefault,
  listJobs,
  manifestBytesMax,
  ping,
  putJob,
  removeJob,
} from '@kanade/fleet';
export { createTopology, durability } from '@kanade/fleet/topology';
