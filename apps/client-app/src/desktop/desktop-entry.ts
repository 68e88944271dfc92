/* The file by which a desktop starts a program at login (Desktop Entry and Desktop Application Autostart Specification of freedesktop.org). */

/** By this line we know our own file. */
const ownLine = 'X-Kanade-Autostart=true';

/** Throws RangeError for words that such a file cannot hold. */
export function desktopEntry(words: readonly string[]): string {
  return [
    '[Desktop Entry]',
    'Type=Application',
    'Name=kanade Client App',
    'Name[ja]=kanade クライアントアプリ',
    'Comment=Tasks that have been prepared for this computer',
    'Comment[ja]=この端末に用意された項目',
    `Exec=${words.map(quoted).join(' ')}`,
    'Terminal=false',
    ownLine,
    '',
  ].join('\n');
}

/** A person's own "no" to an entry for everybody. */
export const hiddenEntry = `[Desktop Entry]\nType=Application\nName=kanade Client App\nHidden=true\n${ownLine}\n`;

export const isOwnEntry = (text: string): boolean => text.split('\n').includes(ownLine);

/** Whether the desktop starts it: people switch it off in their settings, too, which leave the file where it is. */
export const isSwitchedOn = (text: string): boolean =>
  !text.split('\n').some((line) => /^(Hidden\s*=\s*true|X-GNOME-Autostart-enabled\s*=\s*false)\s*$/.test(line));

/** Twice: the value of a key has escapes of its own, and a percent sign begins a field code. */
function quoted(word: string): string {
  const code = [...word].find((character) => character < ' ' || character === '\x7f');
  if (code !== undefined)
    throw new RangeError(`write down how to start: control characters in ${JSON.stringify(word)}`);
  const inQuotes = word.replace(/["`$\\]/g, '\\$&').replaceAll('%', '%%');
  return `"${inQuotes}"`.replaceAll('\\', '\\\\');
}
