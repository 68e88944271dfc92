/* Text that leaves the page: to the clipboard, or as a file. */

/** Rejects where the browser does not let us. */
export function copyText(text: string): Promise<void> {
  return navigator.clipboard.writeText(text);
}

/** Saves the parts of a text as a file among the reader's downloads. */
export function saveText(parts: readonly string[], name: string): void {
  const url = URL.createObjectURL(new Blob([...parts], { type: 'text/plain;charset=utf-8' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  // The download has begun by the time the click returns; the address is not needed by it any more.
  URL.revokeObjectURL(url);
}
