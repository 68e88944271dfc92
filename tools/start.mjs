/**
 * `npm start`: installs, builds the executable that ships, and starts it as agent (no broker) and Client App on the
 * example jobs. `-- --fleet` adds a JetStream server that the agent is enrolled with, `-- --fleet --cluster` three. Ctrl-C stops all of it; running
 * jobs are left alone.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { environment, fail, installPackages, onPinnedNode, root, runTool, say } from './toolchain.mjs';

const usage = 'usage: npm start -- [--fleet [--cluster]] [--no-open] [--port N]';
const words = process.argv.slice(2);
const known = new Set(['--fleet', '--cluster', '--no-open']);
const portAt = words.indexOf('--port');
const port = portAt < 0 ? undefined : words[portAt + 1];
const unknown = words.find((word, at) => !known.has(word) && at !== portAt && (portAt < 0 || at !== portAt + 1));
if (unknown !== undefined || (portAt >= 0 && !/^\d{1,5}$/.test(port ?? '')))
  fail(`unknown option ${unknown ?? '--port'}\n${usage}`, 2);

if (words.includes('--cluster') && !words.includes('--fleet')) fail(`--cluster needs --fleet\n${usage}`, 2);

installPackages();
await onPinnedNode();

const platform = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
const program = join(
  root,
  'apps/kanade/dist/executable',
  platform,
  process.platform === 'win32' ? 'kanade.exe' : 'kanade',
);
if (!existsSync(program)) say('building the executable ...');
if (runTool('nx', ['run', 'kanade:executable', '--outputStyle=static'], { stdio: ['ignore', 'ignore', 2] }) !== 0) {
  fail('building the executable failed: see above');
}

// A socket path holds 107 bytes, and the checkout may lie deep: the socket lives in the system's directory for such things.
const checkout = createHash('sha256').update(root).digest('hex').slice(0, 12);
const runtimeDir = join(process.env.XDG_RUNTIME_DIR ?? tmpdir(), `kanade-${process.getuid?.() ?? 'user'}-${checkout}`);
mkdirSync(runtimeDir, { recursive: true, mode: 0o700 });
const socket = join(runtimeDir, 'agent.sock');
const dataDir = join(root, '.cache/start');
mkdirSync(dataDir, { recursive: true });
const agentId = hostname().replaceAll(/[^A-Za-z0-9_-]/g, '-');

const children = [];
let stopping = false;

/** Starts a program whose end is our end. Resolves with the first line of its stdout that `isReady` accepts. */
function start(name, file, args, isReady) {
  if (stopping) return new Promise(() => {}); // what is started now nobody would end
  const child = spawn(file, args, { cwd: root, env: environment(), stdio: ['ignore', 'pipe', 2], detached: true });
  children.push(child);
  child.once('error', (error) => stop(1, `${name} could not be started: ${error.message}`));
  child.once('exit', (code, signal) => {
    if (!stopping) stop(1, `${name} ended unexpectedly (${signal ?? `exit code ${code}`}): its messages stand above`);
  });
  return new Promise((resolve) => {
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (chunk) => {
      text += chunk;
      const line = text.split('\n').find((candidate, at, all) => at < all.length - 1 && isReady(candidate));
      if (line !== undefined) resolve(line);
    });
  });
}

/** Ends what we started, in reverse order, and then ourselves. */
async function stop(code, message) {
  if (stopping) return;
  stopping = true;
  if (message) say(message);
  for (const child of children.reverse()) {
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) continue;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    const hard = setTimeout(() => child.kill('SIGKILL'), 6_000);
    await gone;
    clearTimeout(hard);
  }
  say('stopped.');
  process.exit(code);
}
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => stop(0, ''));

let broker;
if (words.includes('--fleet')) {
  const { startBroker } = await import('./broker.mjs');
  broker = await startBroker({ dataDir, start, servers: words.includes('--cluster') ? 3 : 1 });
  if (!broker.url) await stop(1, broker.message);
  process.env.KANADE_NATS_URL = broker.url;
  // Waits by itself for servers of a cluster, which choose a leader first.
  const code = await new Promise((resolve) => {
    if (stopping) return;
    const setUp = spawn(program, ['fleet', 'setup'], { env: environment(), stdio: ['ignore', 'ignore', 2] });
    children.push(setUp); // Ctrl-C ends this one, too
    setUp.once('error', () => resolve(1)).once('exit', resolve);
  });
  if (code !== 0 && !stopping) await stop(1, 'kanade fleet setup failed: try it by hand');
}

// A copy of one's own: the agent takes job files only where nobody else could put others.
const jobs = join(dataDir, 'jobs');
rmSync(jobs, { recursive: true, force: true });
cpSync(join(root, 'examples/jobs'), jobs, { recursive: true });
const agentArgs = [
  'agent',
  '--id',
  agentId,
  '--data-dir',
  join(dataDir, 'agent'),
  '--socket',
  socket,
  '--jobs',
  jobs,
  '--allow-own-user',
  '--log-level',
  'warn',
];
await start('the agent', program, broker ? [...agentArgs, '--server', broker.url] : agentArgs, (line) =>
  line.includes('agent.ready'),
);
const clientArgs = [
  'client',
  '--socket',
  socket,
  ...(port ? ['--port', port] : []),
  ...(words.includes('--no-open') ? [] : ['--open']),
];
const address = await start('the Client App', program, clientArgs, (line) => line.includes('http://'));

console.log(`\nClient App: ${address.slice(address.indexOf('http://'))}`);
console.log(
  `Agent:      ${agentId}, ${broker ? `enrolled with ${broker.url} (${broker.description})` : 'no broker'}, jobs from examples/jobs`,
);
const shown = program.slice(root.length);
if (broker) {
  const prefix = broker.isDefault ? '' : `KANADE_NATS_URL=${broker.url} `;
  console.log('\nTry in another terminal:');
  console.log(`  ${prefix}${shown} fleet job put examples/jobs/disk-report.yaml`);
  console.log(`  ${prefix}${shown} fleet exec disk-report --pc ${agentId} --wait`);
  console.log(`  ${prefix}${shown} fleet ping ${agentId}`);
} else {
  console.log(`\nCommand line (needs neither): ${shown} run -- echo hello`);
}
console.log('\nCtrl-C stops the agent and the Client App; running jobs are left alone.');
