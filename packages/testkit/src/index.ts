export { type Browser, launchBrowser, type Page } from './browser.ts';
export { eventually, patienceMs } from './eventually.ts';
export {
  type NatsServerOptions,
  type NatsServerProgram,
  natsServers,
  type RunningNatsServer,
  startNatsServer,
} from './nats-server.ts';
export { runReadmeExample } from './readme-example.ts';
export { tempDir } from './temp-dir.ts';
