export { type Browser, launchBrowser, type Page } from './browser.ts';
export { type Authority, createAuthority, type IssueOptions, type Pem } from './certificates.ts';
export { type DamagedFile, damageCorpus, type SoundFile, soundFile } from './damage.ts';
export { eventually, patienceMs } from './eventually.ts';
export { type KeptState, keptStates } from './kept-state.ts';
export { type LinkState, openTestLink, type TestLink } from './link.ts';
export { openMachine, type TestMachine } from './machine.ts';
export { type RunningNatsCluster, startNatsCluster } from './nats-cluster.ts';
export {
  type NatsServerOptions,
  type NatsServerProgram,
  natsServers,
  newestNatsServer,
  type RunningNatsServer,
  startNatsServer,
} from './nats-server.ts';
export { canPlayPeople, type DesktopEvent, openPeople, type People } from './people.ts';
export { type ReadmeExampleOptions, runReadmeExample } from './readme-example.ts';
export { bunPath, type Runtime, runtimeWords } from './runtime.ts';
export { seeded } from './seeded.ts';
export { tempDir } from './temp-dir.ts';
export { type Animal, zoo } from './zoo.ts';
