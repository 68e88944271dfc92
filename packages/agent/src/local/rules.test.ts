import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { localContract } from '@kanade/shared/local';
import type { Manifest } from '@kanade/shared/manifest';
import { describe, expect, it } from 'vitest';
import { behindRules, callers, hindrance, jobRules, type LocalMethod, methodRules, type OfferFacts } from './rules.ts';

const execute = { shell: 'sh', timeout: '90s', script: 'true' } as const;
const base = { name: 'Name', category: 'c' };
const facts: OfferFacts = {
  audience: { pcId: 'pc-1', groups: ['lab'] },
  system: 'linux',
  isRevoked: false,
  scopes: new Set(['helpdesk']),
  statusOf: (check) => (check === 'disk' ? 'fail' : undefined),
};
const manifest = (client: Manifest['client'], more: Partial<Manifest> = {}): Manifest => ({
  id: 'job',
  version: '1',
  execute,
  client,
  ...more,
});

describe('hindrance()', () => {
  it.each<[string, Manifest, Partial<OfferFacts>, string | undefined]>([
    ['no client block', manifest(undefined), {}, 'Unauthorized'],
    ['nobody named', manifest(base), {}, undefined],
    ['all', manifest({ ...base, visible_to: { all: true } }), {}, undefined],
    ['this machine', manifest({ ...base, visible_to: { pcs: ['pc-1'] } }), {}, undefined],
    ['another machine', manifest({ ...base, visible_to: { pcs: ['pc-2'] } }), {}, 'Unauthorized'],
    ['one of its groups', manifest({ ...base, visible_to: { groups: ['lab', 'x'] } }), {}, undefined],
    ['another group', manifest({ ...base, visible_to: { groups: ['x'], pcs: ['pc-2'] } }), {}, 'Unauthorized'],
    ['this system', manifest({ ...base, platforms: ['macos', 'linux'] }), {}, undefined],
    ['another system', manifest({ ...base, platforms: ['windows'] }), {}, 'Unauthorized'],
    ['a system that nobody knows', manifest({ ...base, platforms: ['unknown'] }), {}, 'Unauthorized'],
    ['on a system without a word', manifest({ ...base, platforms: ['linux'] }), { system: '' }, 'Unauthorized'],
    ['revoked', manifest(base), { isRevoked: true }, 'Unauthorized'],
    [
      'a check that stands so',
      manifest({ ...base, show_when: { check: 'disk', is: ['warn', 'fail'] } }),
      {},
      undefined,
    ],
    [
      'a check that stands otherwise',
      manifest({ ...base, show_when: { check: 'disk', is: 'ok' } }),
      {},
      'Unauthorized',
    ],
    ['a check that never ran', manifest({ ...base, show_when: { check: 'net', is: 'fail' } }), {}, 'Unauthorized'],
    ['a scope that is open', manifest({ ...base, unlock: 'helpdesk' }), {}, undefined],
    ['a scope that is not', manifest({ ...base, unlock: 'admin' }), {}, 'Unauthorized'],
    ['no script of its own', manifest(base, { execute: { ...execute, script: '' } }), {}, 'InvalidParams'],
    ['an approval', manifest(base, { require_approval: true }), {}, 'Unauthorized'],
  ])('%s', (_, job, more, kind) => {
    expect(hindrance(job, { ...facts, ...more })?.kind).toBe(kind);
  });
});

describe('behindRules()', () => {
  const runs: Readonly<Record<string, string | null>> = { of_a: 'uid-1', of_b: 'uid-2', of_fleet: null };
  const methods = Object.keys(methodRules) as LocalMethod[];
  const own = methods.filter((method) => methodRules[method] === 'own_run');
  const answer = () => 'answered';
  const handlers = Object.fromEntries(methods.map((method) => [method, answer])) as never;
  const served = behindRules(handlers, (runId) => runs[runId]) as Record<
    string,
    (params: object, context: object) => unknown
  >;

  it('has a rule for every method of the contract', () => {
    expect(methods.sort()).toEqual(Object.keys(localContract.methods).sort());
    expect(own).not.toEqual([]);
  });

  it.each(own.flatMap((method) => ['uid-1', 'uid-2', 'uid-3'].map((user) => [method, user] as const)))(
    '%s as %s: only runs of the caller; a stranger has the same answer as nobody',
    (method, userKey) => {
      const call = (run_id: string): unknown => {
        try {
          return served[method]?.({ run_id }, { session: { userKey } });
        } catch (error) {
          return (error as Error).message;
        }
      };
      for (const [runId, owner] of Object.entries(runs)) {
        expect(call(runId)).toBe(owner === userKey ? 'answered' : call('no such run'));
      }
      expect(call('no such run')).toBe('Unauthorized: not a run of yours');
    },
  );
});

const needs = {
  nothing: 'tells of the machine, or of the caller alone',
  offered: 'a job that the table below lets the caller start',
  own_run: 'a run that this OS user has started',
  own_preview: 'what this OS user was shown before, as it was shown',
  nobody: 'not served: MethodNotFound',
} as const;

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');

function guide(): string {
  const users = Object.values(callers).map(({ who, isServed }) => [
    who,
    isServed ? 'served' : 'refused before a byte is read',
  ]);
  const methods = Object.entries(methodRules).map(([method, need]) => [`\`${method}\``, needs[need]]);
  const jobs = jobRules.map(({ property, lets, kind }) => [property, lets, kind]);
  return [
    table(['who connects', 'connection'], users),
    table(['method', 'asks for'], methods),
    table(['property of a job', 'the job is for', 'otherwise'], jobs),
  ].join('\n\n');
}

it('the guide prints the tables; KANADE_WRITE_GUIDE=1 writes them', () => {
  const path = join(import.meta.dirname, '../../../../docs/guide/who-may-do-what.md');
  const text = readFileSync(path, 'utf8');
  const [before = '', , after = ''] = text.split(/<!-- (?:tables|end of tables) -->\n/);
  const expected = `${before}<!-- tables -->\n\n${guide()}\n\n<!-- end of tables -->\n${after}`;
  if (process.env.KANADE_WRITE_GUIDE === '1') writeFileSync(path, expected);
  expect(readFileSync(path, 'utf8')).toBe(expected);
});
