/**
 * A machine that is rolled out to again and again, from one of two versions to the other, while orders come: ms from the setting to the
 * first heartbeat of the other version, without jitter, against a start of the same program again. Every order must get its one result.
 */
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { releasePlatformOf, writeReleaseKeys } from '@kanade/shared/release';
import { createReleaseKey, openReleaseKey, signRelease } from '@kanade/update';
import { compileVersions } from '../../../apps/kanade/build/executable.mjs';
import { median, report } from '../report.mjs';
import { numberOption, rounded } from '../runner/setup.mjs';
import { openOperator, withFleet } from './setup.mjs';

const updates = numberOption('updates', 100);
const platform = releasePlatformOf(process.platform, process.arch);
const versions = ['9.0.0', '9.0.1'];
/** Time between two orders, in ms, and how long each runs, in s: some always go on while a version goes. */
const [orderEveryMs, runSecs] = [400, 0.5];
const dayMs = 86_400_000;

/** An install below `home`, and a service manager that starts it again whenever it ends. */
function install({ home, server, start, files }) {
  for (const name of ['bin', 'share', 'data']) mkdirSync(join(home, 'opt', name), { recursive: true });
  const { trusted, path: key } = createReleaseKey({ dir: join(home, 'keys'), keyid: 'bench' });
  const ring = join(home, 'opt/share/release-keys.json');
  writeFileSync(ring, writeReleaseKeys([trusted]), { mode: 0o644 });
  const program = join(home, 'opt/bin/kanade');
  copyFileSync(files[versions[0]], program);
  const own = ['--id', 'pc-1', '--data-dir', join(home, 'opt/data'), '--socket', join(home, 's'), '--allow-own-user'];
  const words = [program, 'agent', ...own, '--log-level', 'warn', '--server', server];
  const state = { isOver: false, child: undefined };
  const run = () => {
    state.child = start(words, { env: { ...process.env, KANADE_UPDATE_TRIAL_SECS: '1' } });
    state.child.once('exit', () => state.isOver || run());
  };
  run();
  return { ring, key, program, state };
}

function sign(dir, { version, file, key }) {
  const name = `kanade-${version}`;
  if (!existsSync(join(dir, name))) copyFileSync(file, join(dir, name));
  const bytes = readFileSync(file);
  const atMs = Date.now();
  const manifest = {
    ...{ kind: 'kanade.release.v1', version, version_floor: '0.0.1', revoked_keys: [] },
    released_at: new Date(atMs).toISOString(),
    expires_at: new Date(atMs + dayMs).toISOString(),
    files: [
      {
        ...{ name, kind: 'executable', platform, bytes: statSync(file).size },
        sha256: createHash('sha256').update(bytes).digest('hex'),
      },
    ],
  };
  const path = join(dir, `${version}.json`);
  writeFileSync(path, signRelease(manifest, [openReleaseKey(key)]));
  return path;
}

await withFleet(async ({ home, server, start }) => {
  const files = Object.fromEntries(versions.map((version) => [version, join(home, `program-${version}`)]));
  await compileVersions(files, 'as shipped');
  const { ring, key, program, state } = install({ home, server, start, files });
  const operator = await openOperator(server);
  const heard = { version: undefined, atMs: 0, count: 0 };
  operator.connection.subscribe('heartbeat.pc-1', {
    callback: (_, message) =>
      Object.assign(heard, {
        version: message.json().agent_version,
        atMs: performance.now(),
        count: heard.count + 1,
      }),
  });
  const until = async (fits) => {
    while (!fits()) await sleep(2);
  };
  const call = (...words) => {
    const env = { ...process.env, KANADE_NATS_URL: server };
    const child = start([program, 'fleet', ...words, '--release-keys', ring], { env, stdio: 'ignore' });
    return new Promise((resolve, reject) =>
      child.once('exit', (code) => (code === 0 ? resolve() : reject(new Error(`${words.join(' ')}: ${code}`)))),
    );
  };
  await until(() => heard.version === versions[0]);
  const orders = [];
  const load = setInterval(
    () => orders.push(operator.order('pc-1', `sleep ${runSecs}; echo done`).result),
    orderEveryMs,
  );
  const [times, starts] = [[], []];
  for (let round = 1; round <= updates; round++) {
    const version = versions[round % 2];
    await call('agent', 'publish', sign(home, { version, file: files[version], key }));
    await until(() => !existsSync(`${program}.old`));
    const fromMs = performance.now();
    await call('agent', 'rollout', version, '--pc', 'pc-1', '--jitter', '0s');
    await until(() => heard.version === version);
    times.push(heard.atMs - fromMs);
    await until(() => !existsSync(`${program}.old`));
    if (round > 10) continue;
    const { count } = heard;
    const againMs = performance.now();
    state.child.kill('SIGTERM');
    await until(() => heard.count > count);
    starts.push(heard.atMs - againMs);
  }
  clearInterval(load);
  const waited = sleep(60_000).then(() => 'late');
  const ends = await Promise.all(orders.map((result) => Promise.race([result, waited])));
  state.isOver = true;
  report({
    ...{ bench: 'agent:update', unit: 'ms', value: median(times), peer: 'a start of the same version' },
    peerValue: median(starts),
    slowest: rounded(Math.max(...times)),
    updates,
    orders: ends.length,
    lost: ends.filter((end) => end === 'late').length,
    failed: ends.filter((end) => end !== 'late' && end.exit_code !== 0).length,
  });
  await operator.connection.close();
});
