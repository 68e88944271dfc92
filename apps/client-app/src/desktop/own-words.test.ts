import { expect, it } from 'vitest';
import { ownWords } from './own-words.ts';

it.each([
  ['the executable', { isCompiled: true, argv: ['bun', '/$bunfs/root/main', 'client', 'x'] }, ['/opt/k', 'client']],
  [
    'the bundle on Node',
    { isCompiled: false, argv: ['/opt/k', '/lib/main.cjs', 'client', 'x'] },
    ['/opt/k', '/lib/main.cjs', 'client'],
  ],
  ['the npm form', { isCompiled: false, argv: ['/opt/k', '/lib/bin.js', 'x'] }, ['/opt/k', '/lib/bin.js']],
])('ownWords() of %s', (_name, process, words) => {
  expect(ownWords(['x'], { execPath: '/opt/k', ...process })).toEqual(words);
});
