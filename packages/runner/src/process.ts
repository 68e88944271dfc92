/** Process trees: start one, tell who it is, stop all of it. */
export { identify, isAlive, type ProcessEntry, type ProcessIdentity } from './process/identity.ts';
export { selfCommand } from './process/self-command.ts';
export { type SignalOutcome, sendSignal } from './process/send-signal.ts';
export { parseSignal, type SignalName, signalByNumber } from './process/signal.ts';
export { planStop, type StopPlan, type StopStep } from './process/stop-plan.ts';
export { type StopReport, type StopTarget, type StopTreeOptions, stopTree } from './process/stop-tree.ts';
export { listProcesses, logHolders, treeMembers } from './process/tree.ts';
