import { describe, expect, it } from 'vitest';
import { bumpOf, changeOf, plansOf, touchedProjects, withoutReverted } from '../release/commits.mjs';

const hash = 'a'.repeat(40);

describe('changeOf() and bumpOf()', () => {
  it.each([
    ['feat(outbox): records have an age', '', 'minor', null],
    ['fix: a record is kept', '', 'patch', null],
    ['perf(runner): half the time', '', 'patch', null],
    ['feat(klp)!: frames are longer', '', 'major', 'frames are longer'],
    ['fix(klp): x', 'Why.\n\nBREAKING CHANGE: call\nopen() first\n\nSigned-off-by: x', 'major', 'call open() first'],
    ['refactor(klp)!: connect() is open()', '', 'major', 'connect() is open()'],
    ['Revert "feat(klp): frames are longer"', '', 'patch', null],
  ])('%s', (subject, body, bump, breaking) => {
    const change = changeOf({ hash, subject, body });
    expect(change && bumpOf(change)).toBe(bump);
    expect(change?.breaking).toBe(breaking);
  });

  it.each([
    'docs: a page',
    'test(klp): x',
    'chore(release): product 0.1.1',
    'refactor: x',
    'no type at all',
    'constructor: x',
  ])('%s is of nobody’s concern', (subject) => {
    expect(changeOf({ hash, subject, body: '' })).toBeNull();
  });
});

const project = (name: string, dir: string, more: object = {}) => ({
  ...{ name, dir, catalog: [] as string[], isProduct: false, isShip: false, isFirst: false },
  ...more,
});
const projects = [
  project('@kanade/shared', 'packages/shared', { catalog: ['zod'] }),
  project('@kanade/outbox', 'packages/outbox'),
  project('@kanade/cli', 'apps/cli', { isProduct: true }),
  project('kanade', 'apps/kanade', { isProduct: true, isShip: true }),
];

describe('touchedProjects()', () => {
  it.each([
    [['packages/outbox/src/index.ts'], [], ['@kanade/outbox']],
    [['packages/outbox/README.md', 'docs/cli.md'], [], ['@kanade/outbox']],
    [['packages/outbox/test/a.test.ts', 'packages/outbox/src/a.test.ts', 'packages/outbox/vitest.config.ts'], [], []],
    [['packages/outbox-more/src/index.ts', 'tools/test.mjs', 'README.md'], [], []],
    [['pnpm-lock.yaml'], [], ['@kanade/cli', 'kanade']],
    [['pnpm-workspace.yaml'], ['zod'], ['@kanade/shared']],
  ])('%j', (files, catalogNames, names) => {
    expect(touchedProjects(files, projects, catalogNames).map(({ name }) => name)).toEqual(names);
  });
});

describe('plansOf()', () => {
  const commit = (subject: string, files: string[], newFor = projects.map(({ name }) => name)) => ({
    ...{ hash, subject, body: '', files, newFor, catalogNames: [] },
  });

  it('a change of a library is a patch of the product, whatever it breaks for users of the library', () => {
    const plans = plansOf([commit('feat(outbox)!: x', ['packages/outbox/src/a.ts'])], projects);
    expect(plans.map(({ bumps, change }) => [bumps, change.breaking])).toEqual([
      [{ '@kanade/outbox': 'major' }, 'x'],
      [{ kanade: 'patch' }, null],
    ]);
  });

  it('a change of the product and of a library is one plan for both', () => {
    const plans = plansOf([commit('feat(cli): x', ['apps/cli/src/a.ts', 'packages/shared/src/a.ts'])], projects);
    expect(plans.map(({ bumps }) => bumps)).toEqual([
      { '@kanade/shared': 'minor', '@kanade/cli': 'minor', kanade: 'minor' },
    ]);
  });

  it('what a project has released already, and one that is released for the first time, has no plan', () => {
    const files = ['packages/outbox/src/a.ts', 'packages/shared/src/a.ts'];
    const firsts = projects.map((one) => ({ ...one, isFirst: one.name === '@kanade/outbox' || one.isProduct }));
    expect(plansOf([commit('fix: x', files, ['@kanade/shared'])], projects)[0]?.bumps).toEqual({
      '@kanade/shared': 'patch',
    });
    expect(plansOf([commit('fix: x', files)], firsts).map(({ bumps }) => bumps)).toEqual([
      { '@kanade/shared': 'patch' },
    ]);
  });
});

it('withoutReverted() leaves out what was taken back before anybody had it', () => {
  const commits = [
    { hash: 'b'.repeat(40), body: '' },
    { hash: 'c'.repeat(40), body: 'This reverts commit bbbbbbbbbb.' },
    { hash: 'd'.repeat(40), body: 'This reverts commit eeeeeeeeee.' },
  ];
  expect(withoutReverted(commits).map(({ hash: one }) => one[0])).toEqual(['d']);
});
