/** What docs/guide/operate.md says of the sizes of streams and object stores is what `kanade fleet setup` makes. */
import { readFileSync } from 'node:fs';
import { objectStoreLimits, objectStores, streamLimits, streams } from '@kanade/shared/fleet-words';
import { expect, it } from 'vitest';

const page = readFileSync(new URL('../../../../docs/guide/operate.md', import.meta.url), 'utf8');
const [, table = ''] = /<!-- stores -->([\s\S]*)<!-- end of stores -->/.exec(page) ?? [];
const told = [...table.matchAll(/^\| `(\w+)` \| .+ \| (.+) \| (.+) \|$/gm)].map(([, name, age, size]) => [
  name,
  age,
  size,
]);

const sizeOf = (bytes: number): string =>
  bytes % 1024 ** 3 === 0 ? `${bytes / 1024 ** 3} GiB` : `${bytes / 1024 ** 2} MiB`;
const made = [
  ...Object.values(streams).map((name) => [name, streamLimits[name]] as const),
  ...Object.values(objectStores).map((name) => [name, objectStoreLimits[name]] as const),
];

it('docs/guide/operate.md says how large each store is', () => {
  const expected = made.map(([name, { ageDaysMax, bytesMax }]) => [
    name,
    ageDaysMax === 0 ? 'ever' : `${ageDaysMax} days`,
    sizeOf(bytesMax),
  ]);
  expect(told.toSorted()).toEqual(expected.toSorted());
  const whole = made.reduce((sum, [, { bytesMax }]) => sum + bytesMax, 0);
  expect(page).toContain(`Together that is ${Math.floor(whole / 1024 ** 3)} GiB`);
});
