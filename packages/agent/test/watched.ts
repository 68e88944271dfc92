import { startNatsServer } from '@kanade/testkit';
import { connect } from '@nats-io/transport-node';
import { onTestFinished } from 'vitest';
import { openSite, type RunningAgent } from './agent-process.ts';
import { openOperator } from './operator.ts';

/** An agent that listens on a broker of its own, an operator there, and a connection for whoever asks. */
export async function openWatched(serverPath: string) {
  const broker = await startNatsServer({ path: serverPath });
  onTestFinished(() => broker[Symbol.asyncDispose]());
  const operator = await openOperator(broker.url);
  const site = await openSite();
  /** Starts the agent; when it is returned, it listens. */
  const start = async (): Promise<RunningAgent> => {
    let agent: RunningAgent | undefined;
    await operator.beat('pc-1', async () => {
      agent = await site.start({ args: ['--server', broker.url] });
    });
    return agent as RunningAgent;
  };
  const agent = await start();
  const connection = await connect({ servers: broker.url });
  onTestFinished(() => connection.close());
  return { operator, site, agent, start, connection };
}
