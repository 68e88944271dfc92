/** Links of everything in Markdown lead somewhere: to a file of this tree, and to a heading of it. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { expect, it } from 'vitest';
import { root } from '../toolchain.mjs';

const tracked = (...patterns: string[]): string[] =>
  execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', ...patterns], {
    cwd: root,
    encoding: 'utf8',
  })
    .split('\n')
    .filter((path) => path !== '' && existsSync(join(root, path)));

const textOf = (path: string): string => readFileSync(join(root, path), 'utf8');

/** A page without what is code in it. */
const prose = (page: string): string =>
  page.replaceAll(/^(```+|~~~+)[\s\S]*?^\1$/gm, '').replaceAll(/(`+)[^`][\s\S]*?\1/g, '');

/** The anchors that a page has: GitHub's names of its headings, with a number where one comes again. */
export function anchorsOf(page: string): Set<string> {
  const seen = new Map<string, number>();
  const anchors = new Set<string>();
  for (const [, heading = ''] of page.replaceAll(/^(```+)[\s\S]*?^\1$/gm, '').matchAll(/^#{1,6} +(.+)$/gm)) {
    const name = heading
      .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .trim()
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\p{M} _-]/gu, '')
      .replaceAll(' ', '-');
    const times = seen.get(name) ?? 0;
    seen.set(name, times + 1);
    anchors.add(times === 0 ? name : `${name}-${times}`);
  }
  for (const [, id = ''] of page.matchAll(/<a (?:id|name)="([^"]+)"/g)) anchors.add(id);
  return anchors;
}

/** What is wrong with the links of a page: each with why. */
export function brokenLinks(path: string, page: string, pages: (path: string) => string | undefined): string[] {
  const targets = [
    ...prose(page).matchAll(/\]\(<?([^()\s>]+)>?(?: "[^"]*")?\)|<(?:img|a|source)[^>]* (?:src|srcset|href)="([^"]+)"/g),
  ];
  return targets.flatMap(([, link, html]) => {
    const target = link ?? html ?? '';
    if (/^[a-z][a-z+.-]*:/i.test(target)) return [];
    const [file = '', anchor] = target.split('#');
    const place = file === '' ? path : normalize(join(dirname(path), decodeURIComponent(file)));
    const found = pages(place);
    if (found === undefined) return [`${path}: ${target}: there is no ${place}`];
    if (anchor === undefined || anchorsOf(found).has(anchor)) return [];
    return [`${path}: ${target}: ${place} has no heading of that name`];
  });
}

const inTree = (path: string): string | undefined => {
  const full = join(root, path);
  if (path.startsWith('..') || !existsSync(full)) return undefined;
  return statSync(full).isDirectory() ? '' : readFileSync(full, 'utf8');
};

const markdown = tracked('*.md');

it('every link leads to a file, and to a heading where it names one', () => {
  expect(markdown.length).toBeGreaterThan(70);
  expect(markdown.flatMap((path) => brokenLinks(path, textOf(path), inTree))).toEqual([]);
});

it('every page of the guide that a text names is there', () => {
  const texts = tracked('*.md', '*.ts', '*.tsx', '*.mjs', '*.yaml').filter((path) => !path.startsWith('tools/test/'));
  const named = texts.flatMap((path) =>
    [...textOf(path).matchAll(/(?<![\w/-])docs\/[\w/-]+\.(?:md|svg)/g)].map(([page]) => ({ path, page })),
  );
  expect(named.length).toBeGreaterThan(30);
  expect(named.filter(({ page }) => !existsSync(join(root, page)))).toEqual([]);
});

it('the index of docs leads to every page of it', () => {
  const index = textOf('docs/README.md');
  const missing = tracked('docs/*.md', 'docs/guide/*.md').filter(
    (path) => !/^docs\/(README\.md|adr\/)/.test(path) && !index.includes(`(${path.slice('docs/'.length)}`),
  );
  expect(missing).toEqual([]);
});

it('a link that leads nowhere is found', () => {
  const pages: Record<string, string> = {
    'docs/a.md': '# One `two`, three\n# Twice\n# Twice\n```sh\n# no heading\n```\n',
  };
  const broken = (link: string) => brokenLinks('docs/b.md', `see [it](${link})`, (path) => pages[path]).length;
  expect(broken('a.md')).toBe(0);
  expect(broken('a.md#one-two-three')).toBe(0);
  expect(broken('a.md#twice-1')).toBe(0);
  expect(broken('a.md#twice-2')).toBe(1);
  expect(broken('a.md#no-heading')).toBe(1);
  expect(broken('../a.md')).toBe(1);
  expect(broken('https://example.com/')).toBe(0);
  expect(brokenLinks('docs/b.md', '`[code](nowhere)` ![](gone.png)', (path) => pages[path])).toHaveLength(1);
});
