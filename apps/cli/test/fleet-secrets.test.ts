/**
 * No secret in what a fleet command prints, records or leaves behind: every command, with a secret in each place that one can come
 * from. Everything is searched: both streams at -vvv, every file beside the one that holds it, and the whole store of the broker.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openRoleKeys, serverConfig } from '@kanade/fleet/roles';
import { newestNatsServer, startNatsServer, tempDir } from '@kanade/testkit';
import { describe, expect, it } from 'vitest';
import { fleet } from '../src/commands/fleet/door.ts';
import { main } from '../src/main.ts';

const { path: server } = await newestNatsServer();

/** Words that an address has to encode, so that every spelling of them can be looked for. */
const token = 't0ken/of the=fleet+1';
const password = 'pa55/word of=the+operator';

interface Said {
  readonly code: number;
  readonly text: string;
}

async function call(words: readonly string[], env: Record<string, string>): Promise<Said> {
  const text: string[] = [];
  const print = (part: string): void => void text.push(part);
  const io = { stdout: print, stderr: print, env, signal: AbortSignal.timeout(60_000) };
  const code = await main(['-vvv', 'fleet', ...words], io, { name: 'kanade', version: () => '' });
  return { code, text: text.join('') };
}

/** One call of each command; `dir` is for what it reads and writes. */
const callsOf = (dir: string): Record<string, string[]> => ({
  setup: ['setup'],
  doctor: ['doctor'],
  'job put': ['job', 'put', `${dir}/job.yaml`],
  'job list': ['job', 'list'],
  'job remove': ['job', 'remove', 'other'],
  'script put': ['script', 'put', 'other', '1', `${dir}/job.yaml`],
  'script list': ['script', 'list'],
  'script remove': ['script', 'remove', 'other/1'],
  revoke: ['revoke', 'other'],
  unrevoke: ['unrevoke', 'other'],
  exec: ['exec', 'a', '--pc', 'pc-1'],
  run: ['run', 'pc-1', '--no-wait', '--', 'true'],
  wait: ['wait', 'nobody'],
  results: ['results', 'nobody'],
  'collect list': ['collect', 'list'],
  'collect get': ['collect', 'get', 'pc-9/job/none.zip'],
  show: ['show', 'nobody'],
  kill: ['kill', 'nobody', '--no-wait'],
  cancel: ['cancel', 'nobody'],
  tail: ['tail', 'nobody'],
  logs: ['logs', 'nobody'],
  forget: ['forget', 'pc-9'],
  'group add': ['group', 'add', 'lab', 'pc-9'],
  'group remove': ['group', 'remove', 'lab', 'pc-9'],
  'group list': ['group', 'list'],
  'group show': ['group', 'show', 'lab'],
  'meta get': ['meta', 'get', 'pc-9'],
  'meta set': ['meta', 'set', 'pc-9', 'owner', 'Ada'],
  'meta rm': ['meta', 'rm', 'pc-9', 'owner'],
  'config get': ['config', 'get'],
  'config set': ['config', 'set', 'heartbeat_interval', '1m'],
  'config unset': ['config', 'unset', 'heartbeat_interval'],
  'config effective': ['config', 'effective', 'pc-9'],
  'freeze set': ['freeze', 'set', '--for', '1h'],
  'freeze clear': ['freeze', 'clear'],
  'freeze status': ['freeze', 'status'],
  'notify send': ['notify', 'send', '--title', 'a', '--body', 'b', '--pc', 'pc-1'],
  'notify edit': ['notify', 'edit', 'n-1', '--title', 'c'],
  'notify recall': ['notify', 'recall', 'n-1'],
  'notify status': ['notify', 'status', 'n-1'],
  'support-code set': ['support-code', 'set', 'helpdesk'],
  'support-code list': ['support-code', 'list'],
  'support-code remove': ['support-code', 'remove', 'helpdesk'],
  ping: ['ping', 'pc-1', '--timeout', '1'],
  agents: ['agents', '--listen', '1'],
  'agent publish': ['agent', 'publish', `${dir}/job.yaml`],
  'agent rollout': ['agent', 'rollout', '1.0.0', '--pc', 'pc-9'],
  'agent remove': ['agent', 'remove', '1.0.0'],
  'agent current': ['agent', 'current', '--listen', '1'],
  events: ['events'],
  audit: ['audit'],
  'key create': ['key', 'create', 'second', '--break-glass'],
  'key list': ['key', 'list'],
  'key trust': ['key', 'trust', 'ops'],
  'key remove': ['key', 'remove', 'nobody'],
  'enrol-token create': ['enrol-token', 'create', '--keys', `${dir}/authority`],
  'enrol-token list': ['enrol-token', 'list'],
  'enrol-token revoke': ['enrol-token', 'revoke', 't-none'],
  'enrol serve': ['enrol', 'serve', '--keys', `${dir}/authority`],
});

/** Every spelling of a secret that somebody may write. */
const spellingsOf = (secret: string): string[] => [
  secret,
  encodeURIComponent(secret),
  encodeURI(secret),
  JSON.stringify(secret).slice(1, -1),
  Buffer.from(secret).toString('base64').replace(/=+$/, ''),
];

function filesBelow(dir: string): string[] {
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

/** Where a secret shows that must not: in texts, and in files below directories but for those that hold it by right. */
function findings(
  secrets: readonly string[],
  { said, dirs, holders }: { said: readonly Said[]; dirs: readonly string[]; holders: readonly string[] },
): string[] {
  const words = secrets.flatMap(spellingsOf);
  const texts = said.map(({ text }) => ['what was said', text] as const);
  const files = dirs.flatMap(filesBelow).filter((path) => !holders.includes(path));
  const all = [...texts, ...files.map((path) => [path, readFileSync(path, 'latin1')] as const)];
  return all.flatMap(([where, text]) =>
    words.filter((word) => text.includes(word)).map((word) => `${word} in ${where}`),
  );
}

interface Place {
  readonly name: string;
  /** What the broker wants, in its configuration. */
  readonly config: (dir: string) => string[];
  /** Puts the secret where it can come from. */
  readonly put: (dir: string, port: number) => { env: Record<string, string>; secrets: string[]; holders?: string[] };
}

const users = `authorization { users: [ { user: "op", password: ${JSON.stringify(password)} } ] }`;
const wantsToken = (): string[] => [`authorization { token: ${JSON.stringify(token)} }`];
const at = (port: number, login = ''): string => `nats://${login}127.0.0.1:${port}`;
const secretFile = (dir: string, name: string, text: string): string => {
  writeFileSync(`${dir}/${name}`, text, { mode: 0o600 });
  return `${dir}/${name}`;
};

const places: readonly Place[] = [
  {
    name: 'a token in an address',
    config: wantsToken,
    put: (_, port) => ({ env: { KANADE_NATS_URL: at(port, `${encodeURIComponent(token)}@`) }, secrets: [token] }),
  },
  {
    name: 'a password in an address',
    config: () => [users],
    put: (_, port) => ({
      env: { KANADE_NATS_URL: at(port, `op:${encodeURIComponent(password)}@`) },
      secrets: [password],
    }),
  },
  {
    name: 'a password in the environment',
    config: () => [users],
    put: (_, port) => ({
      env: { KANADE_NATS_URL: at(port), KANADE_NATS_USER: 'op', KANADE_NATS_PASSWORD: password },
      secrets: [password],
    }),
  },
  {
    name: 'a token that the broker refuses',
    config: wantsToken,
    put: (_, port) => ({ env: { KANADE_NATS_URL: at(port), KANADE_NATS_TOKEN: password }, secrets: [password] }),
  },
  {
    name: 'a connection file',
    config: wantsToken,
    put(dir, port) {
      const text = `servers: ["${at(port)}"]\ntoken: ${JSON.stringify(token)}\n`;
      const file = secretFile(dir, 'operator.yaml', text);
      return { env: { KANADE_NATS_CONFIG: file }, secrets: [token], holders: [file] };
    },
  },
  {
    name: 'the file of an NKey',
    config: (dir) => [serverConfig(openRoleKeys(`${dir}/users`, [{ pc: 'pc-1' }]).users)],
    put(dir, port) {
      const file = `${dir}/users/operator.nk`;
      const holders = filesBelow(`${dir}/users`);
      const secrets = holders.map((path) => readFileSync(path, 'utf8').trim());
      return { env: { KANADE_NATS_URL: at(port), KANADE_NATS_NKEY: file }, secrets, holders };
    },
  },
  {
    name: 'a connection file that cannot be understood',
    config: wantsToken,
    put(dir) {
      const file = secretFile(dir, 'operator.yaml', `token: [ ${token}\n  tokn: ${password}\n`);
      return { env: { KANADE_NATS_CONFIG: file }, secrets: [token, password], holders: [file] };
    },
  },
  {
    name: 'a key of a connection file with another name',
    config: wantsToken,
    put(dir) {
      const file = secretFile(dir, 'operator.yaml', `${JSON.stringify(token)}: ${JSON.stringify(password)}\n`);
      return { env: { KANADE_NATS_CONFIG: file }, secrets: [password], holders: [file] };
    },
  },
  {
    name: 'a file of no use as an NKey',
    config: wantsToken,
    put(dir, port) {
      const file = secretFile(dir, 'nkey', `${password}\n`);
      return { env: { KANADE_NATS_URL: at(port), KANADE_NATS_NKEY: file }, secrets: [password], holders: [file] };
    },
  },
  {
    name: 'a file of no use as credentials',
    config: wantsToken,
    put(dir, port) {
      const text = `-----BEGIN NATS USER JWT-----\n${password}.e30.${token}\n------END NATS USER JWT------\n`;
      const file = secretFile(dir, 'creds', text);
      const env = { KANADE_NATS_URL: at(port), KANADE_NATS_CREDS: file };
      return { env, secrets: [password, token], holders: [file] };
    },
  },
];

/** A home with a signing key, a ring and a job in it, and what of them is secret. */
async function openHome(dir: string) {
  const env = { XDG_CONFIG_HOME: `${dir}/config`, HOME: dir };
  const nowhere = { ...env, KANADE_NATS_URL: 'nats://127.0.0.1:1' };
  await call(['key', 'create', 'ops'], nowhere);
  writeFileSync(`${dir}/job.yaml`, 'id: a\nversion: 1.0.0\nexecute: { shell: sh, timeout: 1m, script: echo a }\n');
  return env;
}

/** The secret lines of the keys of a home. */
function signingKeys(dir: string): { secrets: string[]; holders: string[] } {
  const holders = filesBelow(`${dir}/config`).filter((path) => path.endsWith('.pem'));
  return { holders, secrets: holders.map((path) => readFileSync(path, 'utf8').split('\n')[1] ?? '') };
}

describe('a secret in', () => {
  it.each(places)('$name shows nowhere', async ({ config, put }) => {
    await using temp = await tempDir();
    const dir = temp.path;
    const store = `${dir}/store`;
    mkdirSync(store);
    const home = await openHome(dir);
    await using broker = await startNatsServer({ path: server, storeDir: store, lines: config(dir) });
    const { env, secrets, holders = [] } = put(dir, broker.port);
    const { setup, ...others } = callsOf(dir);
    const said = [await call(setup ?? [], { ...home, ...env })];
    said.push(...(await Promise.all(Object.values(others).map((words) => call(words, { ...home, ...env })))));
    const keys = signingKeys(dir);
    expect(keys.secrets.length).toBe(2);
    const found = findings([...secrets, ...keys.secrets], {
      said,
      dirs: [dir],
      holders: [...holders, ...keys.holders],
    });
    expect(found).toEqual([]);
    for (const { text } of said) expect(text).toContain('fleet');
  });

  it('every command is among those that are tried', () => {
    expect(Object.keys(callsOf('.')).sort()).toEqual(fleet.commands.map(({ name }) => name).sort());
  });

  // But for manifests: their faults show what stands there, and a manifest is no place for a secret.
  it('an argument or a file that was named by mistake is not repeated', async () => {
    await using temp = await tempDir();
    const dir = temp.path;
    const home = { ...(await openHome(dir)), KANADE_NATS_URL: 'nats://127.0.0.1:1' };
    const wrong = secretFile(dir, 'wrong.json', `${token}\n`);
    const asKey = secretFile(dir, 'key.json', JSON.stringify({ kid: token, public_key: password }));
    const asRing = secretFile(dir, 'ring.json', JSON.stringify({ kind: token, keys: password }));
    const pem = secretFile(dir, 'config/kanade/keys/bad.pem', `-----BEGIN PRIVATE KEY-----\n${token}\n`);
    const calls = [
      ['--server', `nats://${encodeURIComponent(token)}@127.0.0.1:1`, 'doctor'],
      ['--server', `nats://op:${encodeURIComponent(password)}@127.0.0.1:1`, 'agents'],
      ['key', 'trust', wrong],
      ['key', 'trust', asKey],
      ['key', 'list', '--ring', asRing],
      ['key', 'list', '--ring', wrong],
      ['key', 'trust', 'ops', '--ring', wrong],
      ['key', 'list'],
      ['run', 'pc-1', '--key', 'bad', '--no-wait', '--', 'true'],
      ['setup', '--print-server-config', '--keys', `${dir}/made`, '--agents', 'pc-1'],
    ];
    const said = await Promise.all(calls.map((words) => call(words, home)));
    const made = filesBelow(`${dir}/made`);
    expect(made.length).toBe(4);
    const seeds = made.map((path) => readFileSync(path, 'utf8').trim());
    const holders = [wrong, asKey, asRing, pem, ...made, ...signingKeys(dir).holders];
    expect(findings([token, password, ...seeds], { said, dirs: [dir], holders })).toEqual([]);
  });
});
