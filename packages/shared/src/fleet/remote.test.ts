import { expect, it } from 'vitest';
import { readTile } from './remote.ts';

const headers = {
  'Kanade-Frame-Seq': '7',
  'Kanade-Tile-Index': '1',
  'Kanade-Tile-Count': '2',
  'Kanade-Tile-X': '960',
  'Kanade-Tile-Y': '0',
  'Kanade-Tile-W': '960',
  'Kanade-Tile-H': '1080',
  'Kanade-Screen-W': '1920',
  'Kanade-Screen-H': '1080',
  'Kanade-Encoding': 'webp',
  'Kanade-Captured-At': '2026-11-21T08:00:00Z',
};

it('readTile() reads all headers', () => {
  expect(readTile(headers)).toMatchObject({ ok: true, tile: { seq: 7, x: 960, width: 960, encoding: 'webp' } });
});

it.each([
  ['one missing', { 'Kanade-Captured-At': undefined }, 'Kanade-Captured-At is missing'],
  ['not a number', { 'Kanade-Tile-X': '-1' }, 'Kanade-Tile-X is not a number: -1'],
  ['other encoding', { 'Kanade-Encoding': 'png' }, 'unknown encoding: png'],
  ['index at the count', { 'Kanade-Tile-Index': '2' }, 'tile 2 of 2'],
  ['over the right edge', { 'Kanade-Tile-X': '961' }, 'the tile lies outside its screen'],
  ['without height', { 'Kanade-Tile-H': '0' }, 'the tile lies outside its screen'],
])('readTile() refuses: %s', (_name, change, reason) => {
  expect(readTile({ ...headers, ...change })).toEqual({ ok: false, reason: expect.stringContaining(reason) });
});
