/** What commands need of keys; loaded on demand, because it brings crypto and schemas. */
export {
  createKey,
  distrustKey,
  keyAgeDefault,
  listKeys,
  openSigner,
  readRing,
  removeKey,
  setEnforcing,
  trustedKeyIn,
  trustKey,
} from '@kanade/fleet/keys';
