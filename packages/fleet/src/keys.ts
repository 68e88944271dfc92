/** Keys of operators, and the rings that machines verify orders with. Files only: needs no broker. */
export { createKey, type KeyEntry, keyAgeDefault, listKeys, type NewKey, removeKey } from './keys/key-files.ts';
export { distrustKey, type RingAnswer, readRing, setEnforcing, trustedKeyIn, trustKey } from './keys/ring-file.ts';
export { openSigner, type Signer } from './keys/signer.ts';
