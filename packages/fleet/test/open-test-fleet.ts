import { type RunningNatsServer, startNatsServer } from '@kanade/testkit';
import { connectFleet, type Fleet } from '../src/index.ts';
import { createTopology } from '../src/topology.ts';

export interface TestFleet extends AsyncDisposable {
  readonly broker: RunningNatsServer;
  readonly fleet: Fleet;
}

/** A real broker with the topology, and a connection to it. */
export async function openTestFleet(path: string): Promise<TestFleet> {
  const broker = await startNatsServer({ path });
  const fleet = await connectFleet({ servers: broker.url, name: 'test' });
  await createTopology(fleet.connection);
  return {
    broker,
    fleet,
    [Symbol.asyncDispose]: async () => {
      await fleet[Symbol.asyncDispose]();
      await broker[Symbol.asyncDispose]();
    },
  };
}

/** The source of a job that is as small as can be. */
export const jobYaml = (id: string, version = '1.0.0'): string => `# what ${id} is for
id: ${id}
version: ${version}
execute:
  shell: sh
  timeout: 30s
  script: echo ${id}
`;
