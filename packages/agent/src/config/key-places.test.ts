import { parse } from 'smol-toml';
import { expect, it } from 'vitest';
import { keyPlaces } from './key-places.ts';

const text = `# [not] = "a table"
title = "a # no comment"   # [nor] = this
"quoted key" = 'C:\\dir'
a.b . c = 1979-05-27 07:32:00Z

  [ table . "x.y" ] # [z]
one = """
[no]
two = \\"""3
""""
three = '''
four = 4'''''
list = [ 1, "]", [ { in_list = 2 }, '#' ], # ]
  3,
]
inline = { p = 1, q.r = "}", s = { t = [ "=" ] } }
last = true
[[many]]
n = +1_000.5e3
[[many]]
n = inf
[table.deeper]
end=1`;

it('knows the place of each key, whatever stands in the texts', () => {
  const places = keyPlaces(text);
  expect(Object.fromEntries([...places].map(([key, { line, column }]) => [key, `${line}:${column}`]))).toEqual({
    title: '2:1',
    'quoted key': '3:1',
    'a.b.c': '4:1',
    'table.x.y': '6:3',
    'table.x.y.one': '7:1',
    'table.x.y.three': '11:1',
    'table.x.y.list': '13:1',
    'table.x.y.inline': '16:1',
    'table.x.y.inline.p': '16:12',
    'table.x.y.inline.q.r': '16:19',
    'table.x.y.inline.s': '16:30',
    'table.x.y.inline.s.t': '16:36',
    'table.x.y.last': '17:1',
    many: '20:1',
    'many.n': '21:1',
    'table.deeper': '22:1',
    'table.deeper.end': '23:1',
    '\0.in_list': '13:22',
  });
  expect(parse(text)).toMatchObject({ table: { 'x.y': { last: true }, deeper: { end: 1 } } });
});

it.each(['', '[', 'a', 'a =', '[[', '= 1', '{', '"', '"""', "a = '''", 'a = [[[', '\0', ']]', 'a = {b = {'])(
  'ends on %j, which is no TOML',
  (source) => {
    expect(keyPlaces(source).size).toBeLessThan(4);
  },
);
