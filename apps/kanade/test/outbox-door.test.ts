/** `kanade outbox …` on files that an outbox wrote, while it is open and after. */
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { openOutbox } from '@kanade/outbox';
import { tempDir } from '@kanade/testkit';
import { describe, expect, it } from 'vitest';
import { answer, call, program } from './program.ts';

const encode = (text: string) => new TextEncoder().encode(text);

/** An open outbox with a record in each state. */
async function filled(path: string) {
  const outbox = openOutbox({ path });
  await outbox.enqueue({ id: 'ready', subject: 'results.a', headers: { h: '1' }, body: encode('one') });
  await outbox.enqueue({ id: 'waiting', subject: 's', body: encode('two'), notBeforeMs: Date.now() + 3_600_000 });
  await outbox.enqueue({ id: 'head', subject: 's', body: encode('three'), orderKey: 'k' });
  await outbox.enqueue({ id: 'held', subject: 's', body: encode('four'), orderKey: 'k' });
  await outbox.enqueue({ id: 'poison', subject: 's', body: encode('five') });
  await outbox.quarantine({ ids: ['poison'] }, { reason: 'Error: no' });
  return outbox;
}

/** The program as somebody who is not root: ourselves, or nobody where root may play others and they can reach the program. */
const nobody = ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups', ...program];
const asSelf = process.getuid?.() === 0 ? [] : [[...program]];
const canPlay = asSelf.length === 0 && spawnSync('setpriv', [...nobody.slice(1), '--version']).status === 0;
const asOthers = canPlay ? [nobody] : asSelf;

const ids = (rows: unknown) => (rows as { id: string }[]).map((row) => row.id);

describe('kanade outbox', () => {
  it('looks into a file that another process holds', async () => {
    await using dir = await tempDir();
    const file = `${dir.path}/state.db`;
    await using _outbox = await filled(file);
    const list = await answer(['outbox', 'list', file, '--limit', '2']);
    expect(list).toMatchObject({
      schema_version: '0.1',
      ok: true,
      type: 'outbox.list',
      file,
      table: 'outbox',
      status: 0,
    });
    expect(ids(list.records)).toEqual(['ready', 'waiting']);
    const rest = await answer(['outbox', 'list', file, '--after', String(list.next_after)]);
    expect(ids(rest.records)).toEqual(['head', 'held', 'poison']);
    expect(rest.next_after).toBe(null);
    expect(ids((await answer(['outbox', 'list', file, '--state', 'held'])).records)).toEqual(['held']);
    expect(await answer(['outbox', 'count', file])).toMatchObject({
      ready: { records: 2 },
      waiting: { records: 1 },
      held: { records: 1 },
      quarantined: { records: 1, bytes: 13 },
    });
    expect(await answer(['outbox', 'verify', file])).toMatchObject({ ok: true, records: 5, problems: [] });
    const apart = await answer(['outbox', 'quarantine', file]);
    expect(apart.records).toMatchObject([{ id: 'poison', state: 'quarantined', reason: 'Error: no', subject: 's' }]);
  });

  it('replays, sets apart and drops beside the owner, who delivers what was replayed', async () => {
    await using dir = await tempDir();
    const file = `${dir.path}/state.db`;
    await using outbox = await filled(file);
    expect(await answer(['outbox', 'replay', file, 'poison'])).toMatchObject({ ok: true, replayed: 1, status: 0 });
    expect(await answer(['outbox', 'quarantine', file, 'head', '--reason', 'wrong'])).toMatchObject({ quarantined: 1 });
    const delivered: string[] = [];
    await outbox.drain({ until: 'idle', concurrency: 1, deliver: async ({ id }) => void delivered.push(id) });
    expect(delivered).toEqual(['ready', 'held', 'poison']);
    expect(await answer(['outbox', 'drop', file, 'waiting', 'nobody'])).toMatchObject({
      type: 'outbox.drop',
      dropped: 1,
    });
    expect(await answer(['outbox', 'drop', file, '--all'])).toMatchObject({ dropped: 1 });
    const drops = await answer(['outbox', 'drops', file]);
    expect(drops.drops).toMatchObject([
      { id: 'waiting', reason: 'by_caller' },
      { id: 'head', reason: 'by_caller' },
    ]);
    expect(await outbox.list()).toEqual([]);
  });

  it('exports to a new file only, line by line', async () => {
    await using dir = await tempDir();
    const file = `${dir.path}/state.db`;
    await using _outbox = await filled(file);
    const to = `${dir.path}/records.jsonl`;
    const exported = await answer(['outbox', 'export', file, '--to', to]);
    expect(exported).toMatchObject({ ok: true, type: 'outbox.export', to, records: 5, bytes: statSync(to).size });
    const lines = readFileSync(to, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines[0]).toMatchObject({ id: 'ready', headers: { h: '1' }, intact: true, body_base64: 'b25l' });
    expect(statSync(to).mode & 0o777).toBe(0o600);
    expect(await answer(['outbox', 'export', file, '--to', to])).toMatchObject({
      error: { code: 'file_exists' },
      status: 1,
    });
    expect(await answer(['outbox', 'export', file, '--to', `${dir.path}/no/x`])).toMatchObject({
      error: { code: 'file_unwritable' },
    });
  });

  it.each<{ name: string; prepare: (path: string) => Promise<void> | void; code: string }>([
    { name: 'no file', prepare: () => {}, code: 'no_outbox' },
    { name: 'a directory', prepare: (path) => mkdirSync(path), code: 'no_outbox' },
    { name: 'an empty file', prepare: (path) => writeFileSync(path, ''), code: 'no_outbox' },
    { name: 'a text', prepare: (path) => writeFileSync(path, 'name,size\n'.repeat(900)), code: 'damaged' },
    {
      name: 'a database with something else',
      prepare(path) {
        const database = new DatabaseSync(path);
        database.exec('CREATE TABLE outbox (id TEXT)');
        database.close();
      },
      code: 'no_outbox',
    },
  ])('says what is wrong with $name, and changes nothing', async ({ prepare, code }) => {
    await using dir = await tempDir();
    const file = `${dir.path}/state.db`;
    await prepare(file);
    const before = existsSync(file) && statSync(file).isFile() ? readFileSync(file) : null;
    for (const words of [
      ['list', file],
      ['verify', file],
      ['replay', file, '--all'],
      ['drop', file, 'a'],
    ])
      expect(await answer(['outbox', ...words])).toMatchObject({
        ok: false,
        type: 'error',
        error: { code },
        status: 1,
      });
    expect(readdirSync(dir.path).filter((name) => name !== 'state.db')).toEqual([]);
    if (before) expect(readFileSync(file).equals(before)).toBe(true);
  });

  it('reports damage without setting the file aside, and a lock as retryable', async () => {
    await using dir = await tempDir();
    const file = `${dir.path}/state.db`;
    await (await filled(file))[Symbol.asyncDispose]();
    const bytes = readFileSync(file);
    bytes.write('X', bytes.indexOf('three'));
    writeFileSync(file, bytes);
    const verdict = await answer(['outbox', 'verify', file]);
    expect(verdict).toMatchObject({
      ok: false,
      error: { code: 'unsound', details: { damaged_ids: ['head'] } },
      status: 1,
    });
    const holder = new DatabaseSync(file);
    holder.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
    expect(await answer(['outbox', 'count', file])).toMatchObject({ error: { code: 'busy', retryable: true } });
    holder.close();
  });

  it.each(asOthers)(
    'looks into a file that it may not write, and says so when asked to change it',
    async (...words) => {
      await using dir = await tempDir();
      const place = `${dir.path}/place`;
      mkdirSync(place);
      const file = `${place}/state.db`;
      await (await filled(file))[Symbol.asyncDispose]();
      chmodSync(dir.path, 0o755);
      chmodSync(file, 0o444);
      chmodSync(place, 0o555);
      try {
        const count = await answer(['outbox', 'count', file], { words });
        expect(count).toMatchObject({ ok: true, ready: { records: 2 } });
        const drop = await answer(['outbox', 'drop', file, 'ready'], { words });
        expect(drop).toMatchObject({ ok: false, error: { code: 'read_only' } });
        expect(readdirSync(place)).toEqual(['state.db', 'state.db.reserve']);
      } finally {
        chmodSync(place, 0o755);
      }
    },
  );

  it.each([
    ['nothing', []],
    ['no file', ['list']],
    ['an unknown command', ['lost', 'state.db']],
    ['two files', ['count', 'a.db', 'b.db']],
    ['a drop of nothing in particular', ['drop', 'state.db']],
    ['ids and all', ['drop', 'state.db', 'a', '--all']],
    ['a state without all', ['replay', 'state.db', '--state', 'waiting']],
    ['an unknown state', ['list', 'state.db', '--state', 'gone']],
    ['a page too large', ['list', 'state.db', '--limit', '1001']],
    ['a strange table', ['list', 'package.json', '--table', 'a"b']],
    ['an export to nowhere', ['export', 'state.db']],
  ])('refuses %s with exit code 2 and nothing on stdout', async (_, words) => {
    const { status, stdout, stderr } = await call(['outbox', ...words]);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(/kanade outbox/);
  });

  it('has a help with examples for every command', async () => {
    const { stdout, status } = await call(['outbox', '--help']);
    expect(status).toBe(0);
    for (const name of ['list', 'count', 'verify', 'export', 'drops', 'quarantine', 'replay', 'drop']) {
      expect(stdout).toContain(`  ${name} FILE`);
      const help = await call(['outbox', name, '--help']);
      expect(help).toMatchObject({ status: 0, stderr: '' });
      expect(help.stdout).toContain(`Examples:\n  kanade outbox ${name} `);
    }
  });
});
