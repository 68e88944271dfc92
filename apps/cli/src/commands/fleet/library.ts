/** What the commands need of the operator's library; loaded on demand, because it brings NATS. */
export {
  agentsOnline,
  auditJournal,
  awaitResults,
  cancelOrder,
  checkManifest,
  connectFleet,
  eventJournal,
  findOrder,
  findResults,
  findRuns,
  followJournal,
  forgetMachine,
  listenMsDefault,
  listManifests,
  listScripts,
  manifestBytesMax,
  pingAgent,
  putManifest,
  putScript,
  readAgentLog,
  readJournal,
  removeManifest,
  removeScript,
  revokeJob,
  runScript,
  sendKill,
  sendOrder,
  stopOrder,
  tailRuns,
  unrevokeJob,
  watchOrder,
  writeAudit,
} from '@kanade/fleet';
export { examineBroker, readBrokerAccess } from '@kanade/fleet/connection';
export { openRoleKeys, parseMachines, serverConfig } from '@kanade/fleet/roles';
export { createTopology, durability } from '@kanade/fleet/topology';
export { scriptObjectBytesMax } from '@kanade/shared/fleet-words';
