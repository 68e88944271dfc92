/** How a broker is reached, for agents and operators: read once, opened by one function. */
export { type AccessRequest, type BrokerAccess, literalAccess, readBrokerAccess } from './connection/broker-access.ts';
export { type BrokerFinding, examineBroker } from './connection/examine-broker.ts';
export { connectionFault, openConnection } from './connection/open-connection.ts';
export { FleetError, type FleetErrorCode } from './fault/fleet-error.ts';
export { brokerFault } from './fault/translate.ts';
