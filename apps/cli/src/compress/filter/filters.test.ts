/** What each filter makes of the output it is for (contract, section 7.7); docker, kubectl, psql, aws and gh by made-up output. */
import { expect, it } from 'vitest';
import type { Kind } from '../route/kinds.ts';
import { createStreamSieve } from '../view.ts';

function viewOf(kind: Kind, text: string): string {
  const sieve = createStreamSieve(kind, 0);
  sieve.push(text);
  return sieve.end([0, Buffer.byteLength(text)]).text;
}

const lines = (count: number, line: (at: number) => string): string =>
  Array.from({ length: count }, (_, at) => line(at)).join('\n');

it('docker-table: rows that are not well come first, cells lose their padding, known columns stay', () => {
  const head = 'CONTAINER ID   IMAGE          COMMAND                  CREATED       STATUS                     NAMES';
  const row = (id: string, status: string, name: string) =>
    `${id}   nginx:1.25     "/docker-entrypoint.…"   2 days ago    ${status.padEnd(26)} ${name}`;
  const text = [
    head,
    row('aaaaaaaaaaaa', 'Up 2 days', 'web'),
    row('bbbbbbbbbbbb', 'Exited (1) 3 hours ago', 'ジョブ'),
    row('cccccccccccc', 'Up 2 days (unhealthy)', 'db'),
  ].join('\n');
  expect(viewOf('docker-table', `${text}\n`)).toBe(
    [
      'CONTAINER ID | IMAGE | STATUS | NAMES',
      'bbbbbbbbbbbb | nginx:1.25 | Exited (1) 3 hours ago | ジョブ',
      'cccccccccccc | nginx:1.25 | Up 2 days (unhealthy) | db',
      'aaaaaaaaaaaa | nginx:1.25 | Up 2 days | web',
    ].join('\n'),
  );
});

it('kubernetes-table: at most 30 rows, and how many are omitted', () => {
  const text = `NAME            READY   STATUS             RESTARTS   AGE\n${lines(50, (at) => `api-${String(at).padStart(2, '0')}          ${at === 40 ? '0/1     CrashLoopBackOff' : '1/1     Running         '}   0          3d`)}\n`;
  const shown = viewOf('kubernetes-table', text).split('\n');
  expect(shown).toHaveLength(32);
  expect(shown.slice(0, 3)).toEqual([
    'NAME | READY | STATUS | RESTARTS | AGE',
    'api-40 | 0/1 | CrashLoopBackOff | 0 | 3d',
    'api-00 | 1/1 | Running | 0 | 3d',
  ]);
  expect(shown.at(-1)).toBe('... +20 rows omitted');
});

it('psql-table: by bars, and characters of any width in any cell', () => {
  const text = ` id |        name         \n----+---------------------\n  1 | ${'漢字😀'.repeat(4)}\n  2 | b                   \n(2 rows)\n\n`;
  expect(viewOf('psql-table', text)).toBe(`id | name\n1 | ${'漢字😀'.repeat(4)}\n2 | b`);
});

it('a fixed-width table is never cut inside a character', () => {
  const text = `NAME      STATUS    AGE\n${lines(40, (at) => `${'😀'.repeat(at % 9)}${'é'.repeat(3)}      Running   3d`)}\n`;
  expect(viewOf('kubernetes-table', text)).not.toMatch(
    /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/,
  );
});

it('a message of a compiler is cut between characters', () => {
  const text = lines(6, (at) => `src/a.ts(${at + 1},3): error TS2322: ${'型が合いません😀'.repeat(12)}${at}`);
  const shown = viewOf('typescript', text);
  expect(shown).toContain('diagnostics total=6 groups=1\nsrc/a.ts [error] TS2322 count=6\n  1:3: 型が合いません😀');
  expect(shown).not.toContain('\ufffd');
  expect(Buffer.from(shown).toString()).toBe(shown);
});

it('aws: JSON as lines, without policies, secrets, tokens and passwords', () => {
  const text = JSON.stringify(
    {
      Users: [{ Name: 'a', SecretKey: 'S1', PolicyDocument: { x: 'P1' }, Tags: [1, 2] }],
      NextToken: 'T1',
      Blob: 'x'.repeat(700),
    },
    null,
    4,
  );
  expect(viewOf('aws', text)).toBe('Users[0].Name: a\nUsers[0].Tags[0]: 1\nUsers[0].Tags[1]: 2');
});

it('env: groups by prefix, and no secret, in however many lines it stands', () => {
  const text = `A_ONE=1\nA_TWO=2\nDB_PASSWORD=hunter2\nMY_TOKEN=hunter\nhunter3\nAPI_KEY=k\nB=3\n${lines(40, (at) => `C_${at}=v`)}\n`;
  const shown = viewOf('env', text);
  expect(shown).toBe(
    'secrets: DB_PASSWORD=***, MY_TOKEN=***, API_KEY=***\nA: A_ONE=1, A_TWO=2\nB: B=3\nC: C_0=v, C_1=v, C_2=v, C_3=v, C_4=v, C_5=v ... (34 omitted)',
  );
});

it('search: by file, three of each', () => {
  const text = `${lines(8, (at) => `src/a.ts:${at + 1}:  const value = ${at};`)}\nsrc/b.ts:7:x\n`;
  expect(viewOf('search', text)).toBe(
    'src/a.ts: 8 matches\n  1: const value = 0;\n  2: const value = 1;\n  3: const value = 2;\nsrc/b.ts: 1 match\n  7: x',
  );
});

it('list: by directory, eight of each', () => {
  const text = lines(12, (at) => `./src/module/file-${at}.ts`);
  expect(viewOf('list', text)).toBe(
    `./src/module: ${Array.from({ length: 8 }, (_, at) => `file-${at}.ts`).join(', ')} ... (4 omitted)`,
  );
});

it.each([
  ['git-push', 'Everything up-to-date\n', 'ok (up-to-date)'],
  [
    'git-push',
    'Enumerating objects: 5, done.\nWriting objects: 100% (5/5)\nTo x\n   1234567..89abcde  main -> main\n',
    'ok 1234567..89abcde  main -> main',
  ],
  [
    'git-push',
    'To x\n ! [rejected]        main -> main (fetch first)\nerror: failed to push some refs\nhint: Updates were rejected\n',
    ' ! [rejected]        main -> main (fetch first)\nerror: failed to push some refs',
  ],
  [
    'git-pull',
    'Updating 1..2\nFast-forward\n a | 2 +-\n 3 files changed, 10 insertions(+), 2 deletions(-)\n',
    'ok 3 files +10 -2',
  ],
  ['git-pull', `Already up to date.\n`, 'ok (up-to-date)'],
  ['git-branch', '  a\n* main\n  remotes/origin/a\n', '3 branches; current main'],
  [
    'git-stash',
    lines(7, (at) => `stash@{${at}}: WIP on main: 1234567 a message`),
    `7 stashes\n${lines(5, (at) => `stash@{${at}}: WIP on main: 1234567 a message`)}`,
  ],
  [
    'git-status',
    'On branch main\nChanges not staged for commit:\n  (use "git add" …)\n\tmodified:   a\n\n',
    'On branch main\n\tmodified:   a',
  ],
  [
    'http-transfer',
    '  % Total    % Received % Xferd  Average Speed\n                                 Dload  Upload\n100  100k  100  100k    0     0   1M      0 --:--:-- --:--:-- --:--:-- 1M\n{"ok":true}\n',
    '{"ok":true}',
  ],
  ['logs', lines(30, (at) => `2026-05-01 10:00:${at + 10} heartbeat`), '2026-05-01 10:00:10 heartbeat (repeated 30x)'],
  [
    'json',
    '[{"a":1,"b":"x"},{"a":2,"b":"yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy"}]',
    'array len=2 item_shape=(object keys=2 [a:number, b:string])',
  ],
  [
    'json',
    lines(9, (at) => `{"id":${at},"name":"some name"}`),
    'ndjson rows=9\n9x object keys=2 [id:number, name:string]',
  ],
  [
    'github-cli',
    'title:\tA change\nstate:\tOPEN\nauthor:\tsomebody\n--\nA long text about it that nobody needs\nand some more\n',
    'title:\tA change\nstate:\tOPEN\nauthor:\tsomebody',
  ],
  [
    'python-packages',
    lines(50, (at) => `package-${at}==1.0.${at}`),
    `packages total=50 shown=40\n${lines(40, (at) => `package-${at} 1.0.${at}`)}\n... omitted 10 packages ...`,
  ],
] as const)('%s %#', (kind, text, view) => {
  expect(viewOf(kind, text)).toBe(view);
});

it('git-diff: files, hunks, six changes of each, and sums', () => {
  const text = `diff --git a/x.ts b/x.ts\nindex 1..2 100644\n--- a/x.ts\n+++ b/x.ts\n@@ -1,20 +1,20 @@ f\n${lines(10, (at) => `+added ${at}`)}\n-gone\n`;
  expect(viewOf('git-diff', text)).toBe(
    `x.ts\n  @@ -1,20 +1,20 @@ f\n${lines(6, (at) => `    +added ${at}`)}\n  +10 -1`,
  );
});

it('file-text: what a piece of code defines, then both of its ends', () => {
  const text = lines(60, (at) => (at % 10 === 0 ? `export function name${at}(a: number) {` : `  a += ${at};`));
  expect(viewOf('file-text', text)).toMatch(
    /^code shape:\nexport function name0\(a: number\) \{\n(?:.*\n)+\.\.\. omitted middle \.\.\.\n(?: {2}.*\n){7} {2}a \+= 59;$/,
  );
});

it('cargo-test and tests: failures and sums, no passing test', () => {
  const text = `running 40 tests\n${lines(40, (at) => `test t${at} ... ${at === 7 ? 'FAILED' : 'ok'}`)}\n\nfailures:\n\n---- t7 stdout ----\nthread 't7' panicked at src/lib.rs:3:5:\nassertion failed\n\ntest result: FAILED. 39 passed; 1 failed\n`;
  for (const kind of ['cargo-test', 'tests'] as const) {
    expect(viewOf(kind, text)).toBe(
      "test t7 ... FAILED\nfailures:\n---- t7 stdout ----\nthread 't7' panicked at src/lib.rs:3:5:\nassertion failed\ntest result: FAILED. 39 passed; 1 failed",
    );
  }
});
