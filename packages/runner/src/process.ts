/** Processes: who one is, who is at the machine, and how a script of some shell is started. */
export { accountRow } from './process/account.ts';
export { identify, isAlive, type ProcessIdentity, processName } from './process/identity.ts';
export {
  activeSessionUser,
  askAsUser,
  environmentOfUser,
  presentUsers,
  type SessionUser,
  watchSessions,
} from './process/session-user.ts';
export {
  type Machine,
  type PlannedShell,
  planShell,
  type Script,
  type ShellPlan,
  type StagedFile,
} from './process/shell/plan-shell.ts';
export { askSystem, findProgram } from './process/spawn.ts';
