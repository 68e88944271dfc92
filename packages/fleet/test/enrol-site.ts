/** A broker whose users an authority signs, with what enrolment needs around it. */
import { writeFileSync } from 'node:fs';
import { type RunningNatsServer, startNatsServer, tempDir } from '@kanade/testkit';
import { type BrokerAccess, readBrokerAccess } from '../src/connection.ts';
import {
  askEnrolment,
  createEnrolToken,
  issuerCreds,
  newMachineSeed,
  openAuthority,
  parseToken,
  readSigning,
  serveEnrolment,
  signedServerConfig,
} from '../src/enrol.ts';
import { connectFleet, type Fleet } from '../src/index.ts';
import { createTopology } from '../src/topology.ts';

type NewToken = Partial<Parameters<typeof createEnrolToken>[1]>;
type Question = Partial<Parameters<typeof askEnrolment>[0]>;

export async function openEnrolSite(
  path: string,
  { resolver }: { resolver: 'memory' | 'full' } = { resolver: 'full' },
) {
  await using parts = new AsyncDisposableStack();
  const { path: dir } = parts.use(await tempDir());
  const keys = `${dir}/keys`;
  const resolverDir = resolver === 'full' ? `${dir}/accounts` : undefined;
  const configText = async () => signedServerConfig(await openAuthority(keys), resolverDir);
  const lines = [await configText()];
  const broker: RunningNatsServer = parts.use(await startNatsServer({ path, lines }));
  const access = (creds: string): BrokerAccess =>
    readBrokerAccess({
      role: 'operator',
      env: { KANADE_NATS_URL: broker.url, KANADE_NATS_CREDS: creds },
      isRoot: false,
      home: dir,
      cwd: dir,
    });
  // Held by the site from the beginning: connections come later, too.
  const all = new AsyncDisposableStack();
  const connect = async (creds: string): Promise<Fleet> =>
    all.use(await connectFleet({ servers: access(creds), name: creds.split('/').at(-1) ?? '' }));
  const operator = await connect(`${keys}/operator.creds`);
  await createTopology(operator.connection);

  /** An issuer; `stop` ends it, and it can be begun again. */
  async function serve(through: (fleet: Fleet) => Fleet = (fleet) => fleet) {
    const ending = new AbortController();
    const fleet = await connectFleet({ servers: access(issuerCreds(keys)), name: 'issuer' });
    const ready = Promise.withResolvers<void>();
    const signing = readSigning(keys, 'agent');
    const served = serveEnrolment(through(fleet), { signing, signal: ending.signal, onReady: ready.resolve });
    await Promise.race([ready.promise, served]);
    return {
      fleet,
      async [Symbol.asyncDispose]() {
        ending.abort();
        await served;
        await fleet[Symbol.asyncDispose]();
      },
    };
  }

  const token = (more: NewToken = {}) =>
    createEnrolToken(operator, {
      ...{ signing: readSigning(keys, 'newcomer'), servers: [broker.url], uses: 1, ttlMs: 3_600_000, createdBy: 'ada' },
      ...more,
    });
  const ask = (text: string, pc: string, more: Question = {}) =>
    askEnrolment({ token: parseToken(text, Date.now()), pc, seed: newMachineSeed(), waitMs: 60_000, ...more });
  /** A connection with what a machine got. */
  const machine = (creds: string, name = 'machine') => {
    const file = `${dir}/${name}-${Math.random().toString(36).slice(2)}.creds`;
    writeFileSync(file, creds, { mode: 0o600 });
    return connect(file);
  };
  const reload = async () => broker.reload([await configText()]);
  const held = parts.move();
  return {
    ...{ broker, dir, keys, operator, access, connect, serve, token, ask, machine, reload },
    async [Symbol.asyncDispose]() {
      await all.disposeAsync();
      await held.disposeAsync();
    },
  };
}

export type EnrolSite = Awaited<ReturnType<typeof openEnrolSite>>;
