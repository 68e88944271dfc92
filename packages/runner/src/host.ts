/** The host: watches over the running jobs of one root, inside a program or as a process of its own. */
export { ensureHost, liveHost, markForCare } from './host/care.ts';
export { createHost, type Host, type HostOptions, type JobsEvent as HostEvent } from './host/host.ts';
export { type RunHostOptions, runHost } from './host/run-host.ts';
export { followFromNow } from './host/watch-output.ts';
