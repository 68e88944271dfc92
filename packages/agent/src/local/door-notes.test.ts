import { expect, it } from 'vitest';
import { limits } from '../limits.ts';
import { createDoorNotes } from './door-notes.ts';

it('createDoorNotes() says each kind once a minute, refusals for each user, and how often it went unsaid', () => {
  let nowMs = 0;
  const lines: unknown[] = [];
  const note = createDoorNotes({ warn: (line: unknown) => void lines.push(line) } as never, () => nowMs);
  const passed = { limit: 'connectionsMax', maximum: 256, actual: 257 };
  const full = { kind: 'connections_full', passed } as const;
  const refused = (uid: number) =>
    ({ kind: 'peer_refused', peer: { uid, user: 'x', userKey: `uid-${uid}` }, reason: 'no' }) as never;
  for (let count = 0; count < 1000; count++) note(full);
  for (const uid of [1, 1, 2]) note(refused(uid));
  expect(lines).toEqual([{ event: full }, { event: refused(1) }, { event: refused(2) }]);
  nowMs = limits.doorNoteEveryMs;
  for (const event of [full, refused(2)]) note(event);
  expect(lines.slice(3)).toEqual([{ event: full, unsaid: 999 }, { event: refused(2) }]);
  // However many users there are, what is remembered of them is bounded, and so are the lines.
  lines.length = 0;
  for (let uid = 1000; uid < 2000; uid++) note(refused(uid));
  expect(lines.length).toBeLessThan(limits.doorNotesMax);
});
