/** Process trees: start one, tell who it is, stop all of it. */
export { ownControlGroup } from './process/control-group.ts';
export { encloseAfterMs } from './process/enclose.ts';
export { findProgram } from './process/find-program.ts';
export { identify, isAlive, type ProcessEntry, type ProcessIdentity } from './process/identity.ts';
export type { TreeTarget } from './process/members.ts';
export { selfCommand } from './process/self-command.ts';
export { type SignalOutcome, sendSignal } from './process/send-signal.ts';
export { activeSessionUser, environmentOfUser, type SessionUser, wordsAsUser } from './process/session-user.ts';
export {
  type Machine,
  planShell,
  type Script,
  type Shell,
  type ShellPlan,
  type StagedFile,
  shells,
} from './process/shell.ts';
export { parseSignal, type SignalName, signalByNumber } from './process/signal.ts';
export { planStop, type StopPlan, type StopStep } from './process/stop-plan.ts';
export { type StopReport, type StopTreeOptions, stopTree } from './process/stop-tree.ts';
export { type SupervisedTree, type SuperviseOptions, supervise } from './process/supervise.ts';
export { listProcesses, logHolders, treeMembers } from './process/tree.ts';
