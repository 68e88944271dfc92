import { expect, it } from 'vitest';
import { desktopEntry, isOwnEntry, isSwitchedOn } from './desktop-entry.ts';

const execOf = (...words: string[]): string | undefined => /^Exec=(.*)$/m.exec(desktopEntry(words))?.[1];

it.each([
  [['/usr/bin/kanade', 'client', '--open'], '"/usr/bin/kanade" "client" "--open"'],
  [['/home/a b/kanade'], '"/home/a b/kanade"'],
  [['/x/50%u'], '"/x/50%%u"'],
  [['/x/$HOME'], '"/x/\\\\$HOME"'],
  [['/x/a"b`c\\d'], '"/x/a\\\\"b\\\\`c\\\\\\\\d"'],
])('desktopEntry() of %j', (words, exec) => {
  expect(execOf(...words)).toBe(exec);
});

it.each(['/x/a\nHidden=true', '/x/\u0000', '/x/\u007f'])('desktopEntry() refuses %j', (word) => {
  expect(() => desktopEntry([word])).toThrow(RangeError);
});

it('isOwnEntry() knows ours, also when it was switched off in the settings of the desktop', () => {
  const own = desktopEntry(['/usr/bin/kanade']);
  expect([isOwnEntry(own), isSwitchedOn(own)]).toEqual([true, true]);
  for (const line of ['Hidden=true', 'X-GNOME-Autostart-enabled=false']) {
    expect([isOwnEntry(`${own}${line}\n`), isSwitchedOn(`${own}${line}\n`)]).toEqual([true, false]);
  }
  expect(isOwnEntry('[Desktop Entry]\nName=Other\nComment=X-Kanade-Autostart=true\n')).toBe(false);
});
