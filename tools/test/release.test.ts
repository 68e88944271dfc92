/** A release from beginning to end, in a copy of this tree, to a bare git remote and to a registry; dying on the way, and going on. */
import { execFile } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { tempDir } from '@kanade/testkit';
import { createReleaseKey, verifyRelease } from '@kanade/update';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startRegistry } from '../registry.mjs';
import { environment, root } from '../toolchain.mjs';

const run = promisify(execFile);
const disposals: AsyncDisposable[] = [];
afterAll(async () => {
  for (const one of disposals.reverse()) await one[Symbol.asyncDispose]();
});

/** A repository of what this checkout has, committed or not, with one commit and a bare remote. */
async function copyOfTheTree(): Promise<string> {
  const dir = await tempDir();
  disposals.push(dir);
  const tree = join(dir.path, 'tree');
  const { stdout } = await run('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    maxBuffer: 1 << 26,
  });
  for (const file of stdout.split('\0').filter((name) => name !== '' && existsSync(join(root, name)))) {
    mkdirSync(dirname(join(tree, file)), { recursive: true });
    cpSync(join(root, file), join(tree, file), { verbatimSymlinks: true });
  }
  const git = (...words: string[]) => run('git', words, { cwd: tree });
  await git('init', '--quiet', '--initial-branch', 'main');
  for (const [name, value] of [
    ['user.name', 'A Maintainer'],
    ['user.email', 'maintainer@example.com'],
    ['commit.gpgsign', 'false'],
  ])
    await git('config', name as string, value as string);
  await git('add', '--all');
  await git('commit', '--quiet', '--message', 'feat: all of it');
  await run('git', ['init', '--quiet', '--bare', `${tree}.git`]);
  await git('remote', 'add', 'origin', `${tree}.git`);
  await git('push', '--quiet', 'origin', 'main');
  await run('pnpm', ['install', '--prefer-offline', '--frozen-lockfile'], { cwd: tree, env: environment() });
  return tree;
}

/** What stands between a release and its registry: after so many packages it hangs up. */
async function doorTo(url: string) {
  let packagesLeft = Number.POSITIVE_INFINITY;
  const server = createServer((incoming, outgoing) => {
    if (incoming.method === 'PUT' && packagesLeft-- <= 0) return incoming.socket.destroy();
    const { pathname } = new URL(incoming.url ?? '', url);
    const onward = request(new URL(pathname, url), { method: incoming.method, headers: incoming.headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(outgoing);
    });
    incoming.pipe(onward);
    return undefined;
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  disposals.push({ [Symbol.asyncDispose]: async () => void server.close() });
  return { url: `http://127.0.0.1:${port}/`, closeAfter: (packages: number) => (packagesLeft = packages) };
}

type Outcome = { released: string[]; tags: string[]; pushed: string[]; published: string[] };
const nothing: Outcome = { released: [], tags: [], pushed: [], published: [] };

const libraries = ['shared', 'durable', 'outbox', 'klp', 'runner', 'fleet', 'update'].map((name) => `@kanade/${name}`);
const product = ['@kanade/agent', '@kanade/cli', '@kanade/client-app', 'kanade'];
const at = (version: string, names: string[]) => names.map((name) => `${name}@${version}`);
const page = readFileSync(join(root, 'docs/guide/releasing.md'), 'utf8');
const [, block = ''] = /^```sh\n([\s\S]*?)^```$/m.exec(page) ?? [];
const commands = block.trim().split('\n');

/** Of each kind something, for this platform. */
const everything = [
  '--quick',
  '--platform',
  'linux-x64',
  ...['npm', 'executable', 'deb', 'sbom'].flatMap((kind) => ['--kind', kind]),
];

/** Everything that happens, in its order; the tests below look at what was written down. */
async function story() {
  const tree = await copyOfTheTree();
  const registry = await startRegistry();
  disposals.push(registry);
  const door = await doorTo(registry.url);
  const npmrc = join(dirname(tree), 'npmrc');
  writeFileSync(npmrc, `//${new URL(door.url).host}/:_authToken=${registry.token}\n`);

  const git = async (...words: string[]) => (await run('git', words, { cwd: tree })).stdout.trim();
  const hook = (name: string, text: string) => {
    const path = join(tree, '.git/hooks', name);
    writeFileSync(path, `#!/bin/sh\n${text}\n`);
    chmodSync(path, 0o755);
    return () => rmSync(path);
  };
  const keys = join(dirname(tree), 'keys');
  const { trusted } = createReleaseKey({ dir: keys, keyid: 'release-2026' });
  /** Calls a command of the guide, for one platform and with the registry and the key of this test. */
  const release = async (command: string, { isFine = true, made = everything } = {}) => {
    const line = commands.find((known) => known === command);
    if (line === undefined) throw new Error(`the guide has no line ${command}`);
    const words = line.replace('https://registry.example/', door.url).replace('/media/keys', keys).split(' ').slice(1);
    if (!words.includes('--dry-run')) words.push(...made);
    // By the name that an npm around us, as `npm test` is, hands on: two names would leave it open which counts.
    const env = { ...environment(), npm_config_userconfig: npmrc };
    const { stdout, stderr, code } = await run('pnpm', ['--silent', ...words], { cwd: tree, env }).then(
      (ended) => ({ ...ended, code: 0 }),
      (error) => error as { stdout: string; stderr: string; code: number },
    );
    if ((code === 0) !== isFine) throw new Error(`${command} ended with ${code}: ${stderr}`);
    return { code, said: stderr, answer: JSON.parse(stdout || 'null') as Outcome | null };
  };
  const change = async (file: string, subject: string) => {
    writeFileSync(join(tree, file), `${readFileSync(join(tree, file), 'utf8')}\n// A change.\n`);
    await git('commit', '--quiet', '--all', '--message', subject);
  };
  const state = async () => ({
    head: await git('log', '-1', '--format=%s'),
    tags: (await git('tag', '--list')).split('\n').filter(Boolean).length,
    remoteTags: (await git('ls-remote', '--tags', 'origin', '*^{}')).split('\n').filter(Boolean).length,
    changes: await git('status', '--porcelain'),
  });
  const out = 'pnpm release --push origin --publish https://registry.example/';

  const rehearsed = { ...(await release('pnpm release --dry-run')), state: await state() };
  // The kill comes when the branch has the release, and no tag names it.
  const unhook = hook('post-merge', 'kill -9 $(sed -n "s/^PPid:\\t//p" /proc/$PPID/status)');
  const killed = { ...(await release('pnpm release', { isFine: false })), state: await state() };
  unhook();
  const goneOn = { ...(await release('pnpm release')), state: await state() };
  door.closeAfter(2);
  const cutOff = { ...(await release(out, { isFine: false })), state: await state() };
  door.closeAfter(Number.POSITIVE_INFINITY);
  const publishedRest = await release(out);
  const again = await release(out);
  const sums = readFileSync(join(tree, 'release/0.1.0/SHA256SUMS'), 'utf8');

  const bill = JSON.parse(readFileSync(join(tree, 'release/0.1.0/kanade-0.1.0.cdx.json'), 'utf8'));

  await change('packages/klp/test/socket.test.ts', 'fix(klp): a test waits for what it needs');
  await change('packages/outbox/src/index.ts', 'fix(outbox): what is waited for is not asked for twice');
  const second = { ...(await release(out, { made: ['--kind', 'npm'] })), state: await state() };

  const kept = (await git('ls-tree', '-r', '--name-only', 'product@0.1.1'))
    .split('\n')
    .filter((file) => file.includes('/test/kept/'));

  rmSync(join(tree, 'release/0.1.0'), { recursive: true });
  const rebuilt = await release('pnpm release --at product@0.1.0');
  const sumsAgain = readFileSync(join(tree, 'release/0.1.0/SHA256SUMS'), 'utf8');
  const isSignedUnasked = existsSync(join(tree, 'release/0.1.0/release.json'));
  await release('pnpm release --at product@0.1.0 --key /media/keys/release-2026.pem');
  const signed = readFileSync(join(tree, 'release/0.1.0/release.json'), 'utf8');
  await change('packages/outbox/src/index.ts', 'feat(outbox)!: what is waited for is told');
  await git('tag', '@kanade/outbox@0.2.0', 'HEAD~1');
  const taken = await release('pnpm release --dry-run', { isFine: false });
  const changelog = (name: string) => readFileSync(join(tree, name, 'CHANGELOG.md'), 'utf8');
  return {
    ...{
      rehearsed,
      killed,
      goneOn,
      cutOff,
      publishedRest,
      again,
      second,
      rebuilt,
      taken,
      sums,
      sumsAgain,
      isSignedUnasked,
    },
    ...{ trusted, signed, kept, bill },
    changelogs: { outbox: changelog('packages/outbox'), kanade: changelog('apps/kanade'), cli: changelog('apps/cli') },
    published: (name: string) => fetch(new URL(name.replace('/', '%2f'), registry.url)).then((answer) => answer.json()),
  };
}

let told: Awaited<ReturnType<typeof story>>;
beforeAll(async () => {
  told = await story();
}, 600_000);

describe('the first release', () => {
  it('is rehearsed without a trace', () => {
    expect(told.rehearsed.answer).toMatchObject({
      released: at('0.1.0', [...libraries, ...product]),
      tags: at('0.1.0', [...libraries, 'product']),
      platforms: ['linux-x64', 'linux-arm64', 'linux-x64-musl', 'darwin-arm64', 'windows-x64'],
    });
    expect(told.rehearsed.said).toContain('The first release. A transactional outbox');
    expect(told.rehearsed.state).toEqual({ head: 'feat: all of it', tags: 0, remoteTags: 0, changes: '' });
  });

  it('killed when the branch has it and before its tags, goes on where it was', () => {
    expect(told.killed).toMatchObject({ answer: null, state: { tags: 0, remoteTags: 0, changes: '' } });
    expect(told.killed.state.head).toBe('chore(release): product 0.1.0, 7 libraries');
    expect(told.goneOn.answer).toEqual({ ...nothing, tags: at('0.1.0', [...libraries, 'product']) });
    expect(told.goneOn.state).toEqual({ ...told.killed.state, tags: 8 });
  });

  it('cut off from its registry after two packages, publishes the others when it is back', () => {
    expect(told.cutOff).toMatchObject({ code: 1, answer: null, state: { remoteTags: 8 } });
    expect(told.cutOff.said).toMatch(/run the same command again.*\(registry_failed\)/s);
    expect(told.publishedRest.answer).toEqual({ ...nothing, published: expect.any(Array) });
    expect(told.publishedRest.answer?.published).toHaveLength(8);
  });

  it('done, does nothing more', () => {
    expect(told.again).toMatchObject({ code: 0, answer: nothing });
    expect(told.again.said).toContain('nothing to release');
  });

  it('made again from its tag, has the same bytes', () => {
    expect(told.rebuilt).toMatchObject({ code: 0, answer: { made: expect.stringMatching(/release\/0\.1\.0$/) } });
    expect(told.sums.split('\n').filter(Boolean)).toHaveLength(13);
    expect(told.sumsAgain).toBe(told.sums);
  });
});

it('what is signed is what was made, believed by whoever trusts the key', () => {
  const { manifest, keyids } = verifyRelease(told.signed, { keys: [told.trusted] });
  expect([keyids, told.isSignedUnasked]).toEqual([['release-2026'], false]);
  expect(manifest).toMatchObject({ version: '0.1.0', version_floor: '0.0.0', broker_min: '2.9.0', revoked_keys: [] });
  const days = (Date.parse(manifest.expires_at) - Date.now()) / 86_400_000;
  expect(Math.ceil(days)).toBe(90);
  expect(manifest.files.map(({ name, sha256 }) => `${sha256}  ${name}\n`).join('')).toBe(told.sums);
  expect(manifest.files.filter(({ platform }) => platform)).toEqual([
    expect.objectContaining({ name: 'kanade-0.1.0-linux-x86_64', kind: 'executable', platform: 'linux-x86_64' }),
    expect.objectContaining({ name: 'kanade_0.1.0_amd64.deb', kind: 'deb', platform: 'linux-x86_64' }),
  ]);
});

it('the bill of materials names what is inside of the executable, and nothing that only makes or tests it', () => {
  expect(told.bill).toMatchObject({
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    metadata: { component: { name: 'kanade' } },
  });
  const names = told.bill.components.map(({ purl }: { purl: string }) =>
    decodeURIComponent(purl).replace(/^pkg:npm\/(.*)@.*$/, '$1'),
  );
  expect(names).toEqual(expect.arrayContaining(['@nats-io/nats-core', 'bun', 'pino', 'preact', 'yaml', 'zod']));
  expect(names.filter((name: string) => /vitest|koffi/.test(name))).toEqual([]);
  for (const { licenses } of told.bill.components) expect(licenses).toEqual([expect.anything()]);
});

describe('a change in outbox alone', () => {
  it('releases outbox and what stands on it, nothing else', async () => {
    const released = ['@kanade/outbox', ...product];
    expect(told.second.answer).toEqual({
      released: at('0.1.1', released),
      tags: ['@kanade/outbox@0.1.1', 'product@0.1.1'],
      pushed: [
        expect.stringMatching(/^[0-9a-f]{40}:refs\/heads\/main$/),
        'refs/tags/@kanade/outbox@0.1.1',
        'refs/tags/product@0.1.1',
      ],
      published: at(
        '0.1.1',
        released.filter((name) => name !== 'kanade'),
      ),
    });
    const { versions } = (await told.published('@kanade/agent')) as {
      versions: Record<string, { dependencies: object }>;
    };
    expect(Object.keys(versions)).toEqual(['0.1.0', '0.1.1']);
    expect(versions['0.1.1']?.dependencies).toMatchObject({ '@kanade/outbox': '^0.1.1', '@kanade/shared': '^0.1.0' });
  });

  it('keeps what the new versions leave on a disk beside what the old ones left', () => {
    const keptOf = (name: string) => told.kept.filter((file) => file.startsWith(`packages/${name}/`));
    expect(keptOf('outbox')).toEqual(['0.1.0', '0.1.1'].map((version) => `packages/outbox/test/kept/${version}.db.gz`));
    expect(keptOf('agent')).toEqual(['0.1.0', '0.1.1'].map((version) => `packages/agent/test/kept/${version}.db.gz`));
    expect(keptOf('runner')).toEqual(['packages/runner/test/kept/0.1.0.tar.gz']);
  });

  it('is told in the changelogs of those whom it concerns', () => {
    const { outbox, kanade, cli } = told.changelogs;
    expect(outbox).toMatch(
      /^## 0\.1\.1 \(.*\)\n\n### Mended\n\n- What is waited for is not asked for twice \([0-9a-f]{9}\)\n\n## 0\.1\.0 /,
    );
    expect(kanade).toContain('- **outbox:** what is waited for is not asked for twice (');
    expect(cli).toMatch(/^## 0\.1\.1 \(.*\)\n\n### Stands on\n\n- `@kanade\/outbox` 0\.1\.1\n\n## 0\.1\.0/);
    expect(kanade).not.toContain('a test waits');
  });
});

it('a tag that is there already, and names something else, stops a release before anything is made', () => {
  expect(told.taken).toMatchObject({ code: 1, answer: null });
  expect(told.taken.said).toMatch(/@kanade\/outbox@0\.2\.0 is there already.*\(tag_taken\)/s);
});
