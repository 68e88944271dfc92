/** What an operator says of machines: settings of their agents, groups, notes, and the stop for schedules. */
export {
  readSettings,
  type ScopeSettings,
  type SettingChange,
  setSetting,
  type Unset,
  unsetSettings,
} from './config/agent-settings.ts';
export { type EffectiveSetting, type EffectiveSettings, effectiveSettings } from './config/effective-settings.ts';
export { clearFreeze, type FreezeState, type FreezeStatus, readFreeze, setFreeze } from './config/fleet-freeze.ts';
export {
  addToGroup,
  type GroupAdded,
  type GroupMember,
  type GroupRemoved,
  type GroupSize,
  listGroups,
  readGroup,
  removeFromGroup,
} from './config/groups.ts';
export { noteLimits, readNotes, removeNotes, setNote } from './config/notes.ts';
export { FleetError, type FleetErrorCode } from './fault/fleet-error.ts';
export {
  type ListedCode,
  listSupportCodes,
  type NewCode,
  removeSupportCode,
  setSupportCode,
} from './support/support-codes.ts';
