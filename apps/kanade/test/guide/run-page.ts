/** A page of the guide as one session of a shell, in a home of its own. */
import { chmodSync, cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { tempDir } from '@kanade/testkit';
import { exampleJobs } from '../agent.ts';
import { call, program } from '../program.ts';
import { hasShape, readPage } from './read-page.ts';

export const checkout = fileURLToPath(new URL('../../../../', import.meta.url));

export interface Surroundings {
  /** The server that pages start which have one of their own. */
  readonly natsServer: string;
  /** Added to the environment. */
  readonly env: Readonly<Record<string, string>>;
}

/** Names under which the product is installed. */
const names = ['kanade', 'agent-exec', 'kanade-agent', 'kanade-client'];

/**
 * The programs that a reader has. The file in which a step is written down stands for a terminal: what prints there is asked as one
 * that prints for a person would be (`fleet` and `outbox`; everything else answers in JSON there, too). A server gets a free port.
 */
function install(bin: string, natsServer: string): void {
  const put = (name: string, lines: readonly string[]): void => {
    writeFileSync(`${bin}/${name}`, ['#!/bin/bash', ...lines, ''].join('\n'));
    chmodSync(`${bin}/${name}`, 0o755);
  };
  const [executable] = program;
  const onTerminal = '[ /proc/self/fd/1 -ef "$TERMINAL" ] && export KANADE_OUTPUT=human';
  for (const name of names)
    put(name, [`case $1 in fleet | outbox) ${onTerminal} ;; esac`, `exec -a ${name} '${executable}' "$@"`]);
  put('nats-server', [
    '[ -n "$NATS_PORT" ] || NATS_PORT=-1',
    '[ "$1" = --signal ] || set -- -a 127.0.0.1 -p "$NATS_PORT" --ports_file_dir "$HOME" "$@"',
    `exec '${natsServer}' "$@"`,
  ]);
}

/** What a step of a page may call that a reader has as eyes and hands. */
const helpers = `
# waits until a command succeeds, as long as a test waits for a condition
until_true() {
  local start=$SECONDS
  until "$@" > /dev/null 2>&1; do
    if [ $((SECONDS - start)) -gt 100 ]; then
      echo "waited in vain for: $*"
      return 1
    fi
    sleep 0.03
  done
}
# ends what the page has started and still runs
stop_all() {
  kill $(jobs -pr) 2> /dev/null || true
  wait
}
# takes a field out of JSON
field() { sed -n "s/.*\\"$1\\":\\"\\([^\\"]*\\)\\".*/\\1/p"; }
# the address of the server that the page has started, which then is the one of all calls
ports_file() { url=$(sed -n 's/.*"\\(nats:[^"]*\\)".*/\\1/p' "$HOME"/nats-server_*.ports) && [ -n "$url" ]; }
broker_is_up() {
  until_true ports_file
  export KANADE_NATS_URL=$url NATS_PORT=\${url##*:}
}
`;

/** Runs the commands of a page and gives what is wrong with it, one text each. */
export async function faultsOfPage(path: string, { natsServer, env }: Surroundings): Promise<string[]> {
  await using dir = await tempDir();
  const [home, bin, heard] = ['home', 'bin', 'heard'].map((name) => `${dir.path}/${name}`) as [string, string, string];
  for (const made of [home, bin, heard]) mkdirSync(made, { mode: 0o700 });
  install(bin, natsServer);
  cpSync(exampleJobs, `${home}/examples/jobs`, { recursive: true });
  const steps = readPage(readFileSync(`${checkout}${path}`, 'utf8'));
  const lines = steps.map(({ script, shown }, at) => {
    const place = `TERMINAL='${heard}/${at}'`;
    // What a console shows may be a failure; everything else has to work.
    return `echo ${at} > '${heard}/at'\n${shown === undefined ? 'set -e' : 'set +e'}\n${place}\n{\n${script}\n} > "$TERMINAL" 2>&1 < /dev/null\n`;
  });
  const script = `set -m\ntrap 'kill $(jobs -p) 2> /dev/null || true; wait 2> /dev/null || true' EXIT\nexport TERMINAL\n${helpers}${lines.join('')}true\n`;
  const { PATH = '' } = process.env;
  const { status, stderr } = await call(['--norc', '-c', script], {
    words: ['bash'],
    cwd: home,
    env: {
      ...{ PATH: `${bin}:${PATH}`, HOME: home, TMPDIR: dir.path, NO_COLOR: '1', LC_ALL: 'C.UTF-8', TZ: 'UTC' },
      ...{
        XDG_DATA_HOME: undefined,
        XDG_CONFIG_HOME: undefined,
        XDG_RUNTIME_DIR: undefined,
        XDG_STATE_HOME: undefined,
      },
      ...{ AGENT_EXEC_ROOT: undefined, CHECKOUT: checkout },
      ...env,
    },
  });
  const said = (at: number): string => readFileSync(`${heard}/${at}`, 'utf8');
  const reached = Number(readFileSync(`${heard}/at`, 'utf8'));
  const of = (at: number): string => `${path}:${steps[at]?.line}\n${steps[at]?.script}`;
  const faults = steps.slice(0, reached + 1).flatMap(({ shown }, at) => {
    if (shown === undefined || hasShape(shown, said(at))) return [];
    return [`${of(at)}--- is shown as\n${shown}--- and prints\n${said(at)}`];
  });
  if (status !== 0) faults.push(`${of(reached)}--- ended with ${status} ${stderr}\n${said(reached)}`);
  return faults;
}
