/** What kanade needs on a broker, and how to bring it there. */
export { FleetError, type FleetErrorCode, type ManifestFault } from './fault/fleet-error.ts';
export { createTopology, type TopologyOptions, type TopologyReport } from './topology/create-topology.ts';
export { definitions, type StreamDefinition } from './topology/definitions.ts';
export { type Durability, durability } from './topology/durability.ts';
