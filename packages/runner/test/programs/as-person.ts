/**
 * A job of the person at the machine: argv is a directory and who is there (`person`, `login-screen`, `nobody`). Stands in
 * for logind and the accounts with files of its own, so it needs mounts of its own. Prints what the job said and how it ended.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { type JobError, pathOf } from '@kanade/runner';
import { launchJob } from '../../src/life/launch.ts';
import { settle } from '../../src/life/settle.ts';
import { jobDir, jobNames } from '../../src/record/root.ts';

const [base = '', who = ''] = process.argv.slice(2);
const [uid, gid] = [4242, 4343];

function run(program: string, ...args: string[]): void {
  const { status, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')} exited ${status}: ${stderr}`);
}

const home = `${base}/home`;
mkdirSync(home);
chmodSync(base, 0o755);
chownSync(home, uid, gid);
for (const [name, rows] of [
  ['passwd', `person:x:${uid}:${gid}:A Person:${home}:/bin/sh\nother:x:5000:5000::/:/bin/sh\n`],
  ['group', `person:x:${gid}:\nextra:x:4444:person\n`],
] as const) {
  writeFileSync(`${base}/${name}`, `${readFileSync(`/etc/${name}`, 'utf8')}${rows}`);
  run('mount', '--bind', `${base}/${name}`, `/etc/${name}`);
}
mkdirSync('/run/systemd/sessions', { recursive: true });
run('mount', '-t', 'tmpfs', 'none', '/run/systemd/sessions');
const session = (fields: object): string =>
  `# This is private data. Do not parse.\n${Object.entries(fields)
    .map(([key, value]) => `${key}=${value}\n`)
    .join('')}`;
const seen = {
  person: { UID: uid, USER: 'person', ACTIVE: 1, REMOTE: 0, TYPE: 'wayland', CLASS: 'user', DISPLAY: ':7' },
  'login-screen': { UID: 5000, USER: 'other', ACTIVE: 1, REMOTE: 0, TYPE: 'x11', CLASS: 'greeter' },
}[who];
if (seen) writeFileSync('/run/systemd/sessions/c2', session(seen));
const remote = { UID: 5000, USER: 'other', ACTIVE: 1, REMOTE: 1, TYPE: 'tty', CLASS: 'user' };
writeFileSync('/run/systemd/sessions/1', session(remote));

const root = `${base}/jobs`;
try {
  const script =
    'id -u; id -g; id -G; pwd; env | sort | grep -v "^_=" | grep -v "^PWD=" | grep -v "^OLDPWD=" | grep -v "^JOB_TREE_MARK="; : >mine';
  const { job, ended } = launchJob(
    root,
    { command: [script], cwd: '~', runAs: 'session-user', shellWrapper: ['sh', '-c'], env: ['GIVEN=1'] },
    { ...process.env, SECRET_OF_OURS: 'x' },
  );
  await ended;
  const view = settle(job);
  const printed = readFileSync(pathOf(job, 'stdout'), 'utf8') + readFileSync(pathOf(job, 'stderr'), 'utf8');
  console.log(
    JSON.stringify({ ending: view.state?.ending, lines: printed.replaceAll(home, 'HOME_DIR').trim().split('\n') }),
  );
} catch (error) {
  const [id = ''] = jobNames(root);
  console.log(JSON.stringify({ code: (error as JobError).code, ending: settle(jobDir(root, id)).state?.ending }));
}
