export { addressBytesMax, defaultAddress } from './socket/address.ts';
export { type DialOptions, dialLocal } from './socket/dial.ts';
export { SocketError, type SocketErrorCode } from './socket/error.ts';
export { type SocketLimits, socketLimits } from './socket/limits.ts';
export { type ListenEvent, type ListenOptions, type LocalListener, listenLocal } from './socket/listen.ts';
export type { LocalPeer } from './socket/peer-credentials.ts';
export { type UserPolicyOptions, userPolicy, type Verdict } from './socket/user-policy.ts';
