import { expect, it } from 'vitest';
import { parseShimRecord, shimShell } from './spawn.ts';

it.each([
  ['', { kind: 'empty' }],
  ['pid 12', { kind: 'empty' }],
  ['garbage\n0\n', { kind: 'empty' }],
  ['\n', { kind: 'empty' }],
  ['pid 12\n', { kind: 'started', pid: 12 }],
  ['\npid 12\n', { kind: 'started', pid: 12 }],
  ['\npid 12\n0\n', { kind: 'ended', pid: 12, status: 0, reported: false }],
  ['pid 12\n14', { kind: 'started', pid: 12 }],
  ['pid 12\nTerminated\n', { kind: 'started', pid: 12 }],
  ['pid 12\n143\n', { kind: 'ended', pid: 12, status: 143, reported: false }],
  ['pid 12\nTerminated\n143\n', { kind: 'ended', pid: 12, status: 143, reported: true }],
  ['pid 12\n0\n', { kind: 'ended', pid: 12, status: 0, reported: false }],
])('parseShimRecord() reads %j', (text, record) => {
  expect(parseShimRecord(text)).toEqual(record);
});

it('shimShell() prefers the shell that reports signals', () => {
  expect(shimShell(() => true)).toBe('/bin/dash');
  expect(shimShell(() => false)).toBe('/bin/sh');
});
