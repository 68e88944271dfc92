/** What the commands need of the operator's library; loaded on demand, because it brings NATS. */
export {
  agentsOnline,
  checkManifest,
  connectFleet,
  followResults,
  listenMsDefault,
  listManifests,
  manifestBytesMax,
  pingAgent,
  putManifest,
  removeManifest,
  sendKill,
  sendOrder,
} from '@kanade/fleet';
export { examineBroker, readBrokerAccess } from '@kanade/fleet/connection';
export { createTopology, durability } from '@kanade/fleet/topology';
export { killAndHear } from './hear-endings.ts';
