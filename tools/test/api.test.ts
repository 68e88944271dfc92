import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tempDir } from '@kanade/testkit';
import { describe, expect, it, onTestFinished } from 'vitest';
import { faultsOf, faultsSinceRelease, writeReports } from '../api.mjs';

const declarations = `import { Server } from 'node:net';
import { Shared } from './inner/shared.js';
/** What openShop is told. */
export interface ShopOptions {
    readonly path: string;
}
/** What a sale came to. */
export interface Sale {
    readonly yen: number;
    readonly kind: 'paid' | 'owed';
}
interface Till {
    count(): number;
}
export declare function openShop(options: ShopOptions, onSale?: (sale: Sale) => void): Till & Shared;
export declare const server: Server;
export * from './inner/more.js';
`;

/** A library of a repository of its own, as the compiler would have left it. */
async function library() {
  const directory = await tempDir();
  onTestFinished(() => directory[Symbol.asyncDispose]());
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@t', ...args], { cwd: directory.path });
  const write = (file: string, text: string) => writeFileSync(join(directory.path, file), text);
  mkdirSync(join(directory.path, 'dist/inner'), { recursive: true });
  write('dist/index.d.ts', declarations);
  write('dist/inner/shared.d.ts', 'export interface Shared {\n    close(): void;\n}\n');
  write('dist/inner/more.d.ts', 'export type More = 1;\n');
  const manifest = { publishConfig: { exports: { '.': { types: './dist/index.d.ts' } } } };
  const shop = { name: '@kanade/shop', directory: directory.path, manifest };
  git('init', '-q');
  return {
    shop,
    report: () => readFileSync(join(directory.path, 'api/index.api.md'), 'utf8'),
    change: (from: string, to: string, file = 'dist/index.d.ts') => {
      const text = readFileSync(join(directory.path, file), 'utf8');
      expect(text).toContain(from);
      write(file, text.replace(from, to));
    },
    commit(message: string) {
      writeReports(shop);
      write('notes', message);
      git('add', '-A');
      git('commit', '-q', '-m', message);
    },
    tag: (name: string) => git('tag', name),
    sinceRelease: () => faultsSinceRelease([shop], () => {}),
  };
}

it('says every exported name, what it is made of, and who hands it to whom', async () => {
  const { shop, report } = await library();
  writeReports(shop);
  const text = report();
  expect(text).toContain('// taken\nexport interface ShopOptions {\n    readonly path: string;\n}');
  expect(text).toContain('// given\nexport interface Sale {');
  expect(text).toContain('export type More = 1;');
  const [, parts] = text.split('without a name of its own');
  expect(parts).toContain('interface Till');
  expect(parts).toContain('interface Shared');
  expect(text).not.toContain('What a sale came to');
  expect(faultsOf(shop)).toEqual([]);
});

it('says what changed when the report is not that of what was built, and what to do', async () => {
  const { shop, change } = await library();
  writeReports(shop);
  change('export declare const server: Server;\n', 'export declare function closeShop(): void;\n');
  const faults = faultsOf(shop).join('\n');
  expect(faults).toMatch(/closeShop added \(feature\)[\s\S]*server removed \(breaking\)/);
  expect(faults).toMatch(/pnpm api --write, and a commit "feat\(.*\)!: …"/);
});

describe('the version that a change demands', () => {
  it.each([
    ['a name more', 'interface Till', 'export type Coin = 1;\ninterface Till', 'feature'],
    ['a name less', 'export declare const server: Server;\n', '', 'breaking'],
    ['a type that other words say', ': Till & Shared', ': Till', 'breaking'],
    [
      'an option that must be given',
      'readonly path: string;',
      'readonly path: string;\n    readonly name: string;',
      'breaking',
    ],
    [
      'an option that may be given',
      'readonly path: string;',
      'readonly path: string;\n    readonly name?: string;',
      'feature',
    ],
    ['an option that need not be given any more', 'path: string', 'path?: string', 'feature'],
    ['an answer that may be missing now', 'yen: number', 'yen?: number', 'breaking'],
    [
      'a field more in an answer',
      'readonly yen: number;',
      'readonly yen: number;\n    readonly tax: number;',
      'feature',
    ],
    ['a word more in an answer', "'paid' | 'owed'", "'paid' | 'owed' | 'given'", 'feature'],
    ['a parameter that may be given', 'void): Till', 'void, tax?: number): Till', 'feature'],
    ['a parameter that must be given', '(options: ShopOptions,', '(yen: number, options: ShopOptions,', 'breaking'],
    ['a method more of what is given', 'count(): number;', 'count(): number;\n    close(): void;', 'feature'],
    ['other words about it', 'What a sale came to', 'The sum of a sale', 'fix'],
  ])('of %s', async (_, from, to, kind) => {
    const { change, commit, tag, sinceRelease } = await library();
    commit('feat(shop): a shop');
    tag('@kanade/shop@1.0.0');
    expect(sinceRelease()).toEqual([]);
    change(from, to);
    commit('fix(shop): of no weight');
    expect(sinceRelease()).toHaveLength(kind === 'fix' ? 0 : 1);
    commit('feat(shop): of some weight');
    expect(sinceRelease()).toHaveLength(kind === 'breaking' ? 1 : 0);
    commit('feat(shop)!: of great weight');
    expect(sinceRelease()).toEqual([]);
  });

  it('is answered for in a commit, by whoever knows that nobody is hurt', async () => {
    const { change, commit, tag, sinceRelease } = await library();
    commit('feat(shop): a shop');
    tag('@kanade/shop@1.0.0');
    change('export declare const server: Server;\n', '');
    commit('fix(shop): no server');
    expect(sinceRelease().join()).toContain('server removed');
    commit('fix(shop): no server\n\nCompatible: it was never documented, and could not be used');
    expect(sinceRelease()).toEqual([]);
  });

  it('is not asked of a library that was never released', async () => {
    const { commit, sinceRelease } = await library();
    commit('fix(shop): of no weight');
    expect(sinceRelease()).toEqual([]);
  });
});
