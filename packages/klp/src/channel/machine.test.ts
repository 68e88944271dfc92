import { expect, it } from 'vitest';
import { type ChannelEvent, type ChannelState, openState, stepChannel } from './machine.ts';

const limits = { frameTimeoutMs: 1_000 };
const reading: ChannelState = { ...openState, isReading: true };
const cut: ChannelState = { ...reading, cutAtMs: 100 };
const handling: ChannelState = { ...openState, isHandling: true };
const ended: ChannelState = { ...openState, phase: 'ended', reason: { kind: 'closed_here', detail: 'x' } };
const closed: ChannelState = { ...ended, phase: 'closed' };

const passed = { limit: 'bodyBytesMax', maximum: 1, actual: 2 };
const here = { kind: 'closed_here', detail: 'y' } as const;
const io = { kind: 'io', error: new Error('EPIPE') } as const;
const starved = (heldBytes: number, isNewFrame = false): ChannelEvent => ({
  kind: 'starved',
  heldBytes,
  isNewFrame,
  nowMs: 500,
});

it.each<[string, ChannelState, ChannelEvent, Partial<ChannelState>, string[]]>([
  ['begins to read', openState, starved(0), reading, ['resume']],
  ['goes on reading', reading, starved(0), reading, []],
  ['sees a frame begin', reading, starved(3), { isReading: true, cutAtMs: 500 }, ['watch']],
  ['sees the same frame go on', cut, starved(4), cut, []],
  ['sees another frame begin', cut, starved(4, true), { cutAtMs: 500 }, ['watch']],
  ['sees the frame end', cut, starved(0, true), { cutAtMs: undefined }, []],
  ['pauses when nothing leaves', reading, { kind: 'full' }, { isReading: false }, ['pause']],
  ['pauses once', openState, { kind: 'full' }, openState, []],
  ['reads on when there is room', openState, { kind: 'room' }, openState, ['read']],
  ['pauses for a message that takes time', reading, { kind: 'handling' }, handling, ['pause']],
  ['reads on behind it', handling, { kind: 'handled' }, openState, ['read']],
  ['looks too early', cut, { kind: 'due', nowMs: 1_099 }, cut, ['watch']],
  ['gives up a frame', cut, { kind: 'due', nowMs: 1_100 }, { phase: 'ended' }, ['tell', 'destroy']],
  [
    'does not count while it does not read',
    { ...cut, isReading: false },
    { kind: 'due', nowMs: 9_000 },
    { cutAtMs: 9_000 },
    ['watch'],
  ],
  ['looks for nothing', reading, { kind: 'due', nowMs: 9_000 }, reading, []],
  [
    'refuses what is too long',
    reading,
    { kind: 'over_long', passed },
    { phase: 'ended', reason: { kind: 'limit', passed } },
    ['pause', 'refuse', 'tell', 'finish'],
  ],
  [
    'sees the peer end',
    reading,
    { kind: 'peer_ended', heldBytes: 0 },
    { phase: 'ended', reason: { kind: 'closed_by_peer' } },
    ['tell', 'finish'],
  ],
  [
    'sees the peer end inside a frame',
    cut,
    { kind: 'peer_ended', heldBytes: 3 },
    { reason: { kind: 'truncated', heldBytes: 3 } },
    ['tell', 'finish'],
  ],
  ['breaks', reading, { kind: 'broken', reason: io }, { phase: 'ended', reason: io }, ['tell', 'destroy']],
  ['is ended', reading, { kind: 'end', reason: here }, { phase: 'ended', reason: here }, ['tell', 'finish', 'drain']],
  ['closes unasked', reading, { kind: 'gone' }, { phase: 'closed' }, ['tell', 'close']],
  ['keeps the first reason', ended, { kind: 'end', reason: here }, ended, ['drain']],
  ['keeps it when it breaks', ended, { kind: 'broken', reason: io }, ended, ['destroy']],
  ['keeps it when the peer ends', ended, { kind: 'peer_ended', heldBytes: 3 }, ended, []],
  ['reads nothing behind the end', ended, { kind: 'room' }, ended, []],
  ['takes nothing behind the end', ended, { kind: 'handled' }, ended, []],
  ['closes behind the end', ended, { kind: 'gone' }, { phase: 'closed', reason: ended.reason }, ['close']],
  ['closes once', closed, { kind: 'gone' }, closed, []],
  ['is not ended again', closed, { kind: 'end', reason: here }, closed, []],
])('stepChannel %s', (_name, state, event, next, effects) => {
  const [after, done] = stepChannel(state, event, limits);
  expect(after).toMatchObject(next);
  expect(done.map(({ kind }) => kind)).toEqual(effects);
});
