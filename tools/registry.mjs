/**
 * A small npm registry for tests and rehearsals: what is ours (`kanade`, `@kanade/*`) is published to it and comes from it
 * alone, everything else comes from the registry that npm is configured with. Loopback, a port of its own, a token of its
 * own, a temporary folder; nothing of it outlives the process that started it.
 *
 *   node tools/registry.mjs    one JSON line, {"url","token","npmrc"}; serves until its standard input ends
 */
import { execFile, spawn } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { buffer } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const bodyBytesMax = 512 * 1_048_576;

/** Never asked of anybody else: a stranger may own such a name out there. */
const isOurs = (name) => name === 'kanade' || name.startsWith('@kanade/');

/** What a client is told, with the status that goes with it. */
class Refusal extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/**
 * Starts a registry as a process of its own, so that it answers while the caller waits for a program. Dispose of it, or end:
 * both end it. `npmrc` is the text of a file that makes npm, pnpm and Bun install from it and publish to it.
 *
 * @returns {Promise<{ url: string, token: string, npmrc: string } & AsyncDisposable>}
 */
export async function startRegistry() {
  const child = spawn(process.execPath, [fileURLToPath(import.meta.url)], { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = new Promise((resolve) => child.on('close', resolve));
  const line = await Promise.race([
    new Promise((resolve) => createInterface(child.stdout).once('line', resolve)),
    ended,
  ]);
  if (typeof line !== 'string') throw new Error(`the registry did not start: it ended with exit code ${line}`);
  return {
    ...JSON.parse(line),
    async [Symbol.asyncDispose]() {
      child.stdin.end();
      await ended;
    },
  };
}

/** What was published here: name → packument (the document of a package), its tarballs as files. */
function openShelf(directory, url) {
  const packuments = new Map();
  const files = new Map();

  return {
    packument(name) {
      return packuments.get(name) ?? refuse(404, `${name} was not published to this registry`);
    },
    tarball(path) {
      return files.get(path) ?? refuse(404, `${path} was not published to this registry`);
    },
    /** Takes the document that clients send: one version and its tarball. All of it, or nothing. */
    publish(name, sent) {
      const [[version, manifest] = [], ...others] = Object.entries(sent.versions ?? {});
      const [attachment] = Object.values(sent._attachments ?? {});
      if (sent.name !== name || !version || others.length > 0 || !attachment)
        refuse(
          400,
          `publishing is one version of ${name} with its tarball; changing what is published is not carried out`,
        );
      const packument = packuments.get(name) ?? { name, 'dist-tags': {}, versions: {}, time: {} };
      if (packument.versions[version]) refuse(403, `${name}@${version} is published already: choose another version`);
      const bytes = Buffer.from(attachment.data, 'base64');
      const integrity = `sha512-${createHash('sha512').update(bytes).digest('base64')}`;
      if (manifest.dist?.integrity !== integrity)
        refuse(400, `the tarball of ${name}@${version} is not what its hash says`);
      const path = `/${name}/-/${name.split('/').at(-1)}-${version}.tgz`;
      const file = join(directory, `${randomUUID()}.tgz`);
      writeFileSync(file, bytes);
      files.set(path, file);
      packument.versions[version] = { ...manifest, dist: { ...manifest.dist, tarball: new URL(path, url).href } };
      packument.time[version] = new Date().toISOString();
      Object.assign(packument['dist-tags'], sent['dist-tags']);
      packuments.set(name, packument);
    },
  };
}

function refuse(status, message) {
  throw new Refusal(status, message);
}

/** Documents of everybody else's packages, each asked for once. Their tarballs come from where they are. */
function openUpstream(base) {
  const asked = new Map();
  async function ask(path, accept) {
    const answer = await fetch(new URL(path, base), { headers: { accept } }).catch((error) =>
      refuse(502, `${base} could not be reached: ${error.cause?.message ?? error.message}`),
    );
    const body = Buffer.from(await answer.arrayBuffer());
    return { status: answer.status, type: answer.headers.get('content-type') ?? 'application/json', body };
  }
  return {
    url: (path) => new URL(path, base).href,
    get(path, accept = '*/*') {
      const key = `${path} ${accept}`;
      const answer = asked.get(key) ?? ask(path, accept);
      asked.set(key, answer);
      // A failure is not kept: the next one asks again.
      answer.catch(() => asked.delete(key));
      return answer;
    },
  };
}

async function serve() {
  const { stdout } = await promisify(execFile)('npm', ['config', 'get', 'registry']);
  const upstream = openUpstream(stdout.trim().replace(/\/?$/, '/'));
  const directory = mkdtempSync(join(tmpdir(), 'kanade-registry-'));
  process.on('exit', () => rmSync(directory, { recursive: true, force: true }));
  const token = randomUUID();
  const server = createServer();
  await new Promise((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  const url = `http://127.0.0.1:${port}/`;
  const shelf = openShelf(directory, url);
  server.on('request', (request, response) => {
    answer(request, response, { shelf, upstream, token }).catch((error) => {
      if (!(error instanceof Refusal))
        process.stderr.write(`registry: ${request.method} ${request.url}: ${error.stack}\n`);
      sendJson(response, error.status ?? 500, { error: error.message });
    });
  });
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(0));
  process.stdin.on('end', () => process.exit(0)).resume();
  const npmrc = `registry=${url}\n//127.0.0.1:${port}/:_authToken=${token}\n`;
  process.stdout.write(`${JSON.stringify({ url, token, npmrc })}\n`);
}

async function answer(request, response, { shelf, upstream, token }) {
  const path = decodeURIComponent(new URL(request.url, 'http://localhost').pathname);
  const [, name, rest = ''] = /^\/((?:@[^/]+\/)?[^/@-][^/]*)(\/.*)?$/.exec(path) ?? [];
  if (path === '/-/ping') return sendJson(response, 200, {});
  if (!name) return refuse(404, `${path} is nothing that this registry has`);
  if (request.method === 'PUT' && rest === '') {
    if (request.headers.authorization !== `Bearer ${token}`) refuse(401, 'publishing needs the token of this registry');
    if (!isOurs(name)) refuse(403, `${name} is not ours to publish`);
    shelf.publish(name, JSON.parse(await bodyOf(request)));
    return sendJson(response, 201, { ok: true });
  }
  if (request.method !== 'GET' && request.method !== 'HEAD')
    refuse(405, `${request.method} ${path} is not carried out: packages are published and read here, nothing else`);
  if (rest.startsWith('/-/')) {
    if (!isOurs(name)) return response.writeHead(302, { location: upstream.url(path.slice(1)) }).end();
    return sendFile(response, shelf.tarball(path));
  }
  if (!isOurs(name)) {
    const { status, type, body } = await upstream.get(request.url.slice(1), request.headers.accept);
    return response.writeHead(status, { 'content-type': type }).end(body);
  }
  const packument = shelf.packument(name);
  if (rest === '') return sendJson(response, 200, packument);
  const version = rest.slice(1);
  const manifest = packument.versions[packument['dist-tags'][version] ?? version];
  return sendJson(response, 200, manifest ?? refuse(404, `${name} has no version ${version}`));
}

async function bodyOf(request) {
  if (Number(request.headers['content-length'] ?? 0) > bodyBytesMax) refuse(413, `more than ${bodyBytesMax} bytes`);
  return (await buffer(request)).toString();
}

function sendJson(response, status, value) {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

function sendFile(response, path) {
  createReadStream(path)
    .on('open', () => response.writeHead(200, { 'content-type': 'application/octet-stream' }))
    .on('error', (error) => response.destroy(error))
    .pipe(response);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await serve();
