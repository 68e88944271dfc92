export { addressBytesMax, SocketError, type SocketErrorCode } from './endpoint/address.ts';
export { type DialOptions, dialLocal } from './endpoint/dial.ts';
export { type ListenEvent, type ListenOptions, type LocalListener, listenLocal } from './endpoint/listen.ts';
export type { LocalPeer } from './endpoint/peer-identity.ts';
export { type AcceptVerdict, type UserPolicyOptions, userPolicy } from './endpoint/user-policy.ts';
export { type SocketLimits, socketLimits } from './limits.ts';
