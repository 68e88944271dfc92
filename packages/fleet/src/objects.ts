/** Object stores of JetStream as streams of bytes, in the format of the official clients: the one reader and writer of the house. */
export { FleetError, type FleetErrorCode } from './fault/fleet-error.ts';
export { listObjects } from './objects/list-objects.ts';
export { type ObjectLook, type ObjectPlace, objectInfo, type StoredObject } from './objects/object-info.ts';
export { type ObjectSource, type PutObject, type PutObjectOptions, putObject } from './objects/put-object.ts';
export { type Cuts, type ObjectRead, readObject, readObjectBytes } from './objects/read-object.ts';
export { removeObject } from './objects/remove-object.ts';
