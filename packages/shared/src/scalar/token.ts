/** Longest id accepted anywhere, in characters: it becomes one subject token, one KV key and one file name (255 bytes). */
export const idLengthMax = 128;

const token = /^[A-Za-z0-9_.-]+$/;

/** True when the text may stand as one subject token, KV key or file name: `[A-Za-z0-9_.-]`, no `.` or `..`, no edge or double dots. */
export function isToken(text: string): boolean {
  return (
    text.length > 0 &&
    text.length <= idLengthMax &&
    token.test(text) &&
    !text.startsWith('.') &&
    !text.endsWith('.') &&
    !text.includes('..')
  );
}
