/** How a broker is reached, for agents and operators: read once, opened by one function; what its streams hold. */
export { type AccessRequest, type BrokerAccess, literalAccess, readBrokerAccess } from './connection/broker-access.ts';
export { type BrokerFinding, examineBroker, weaknessesOf } from './connection/examine-broker.ts';
export { connectionFault, openConnection } from './connection/open-connection.ts';
export { FleetError, type FleetErrorCode } from './fault/fleet-error.ts';
export { brokerFault, isMissingStream } from './fault/translate.ts';
export { type HeldRead, readHeld } from './stream/read-held.ts';
