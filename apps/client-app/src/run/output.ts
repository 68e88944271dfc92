/* What is kept of what a run prints. Server and page keep the same, by the same functions. */

/** What is kept of one output stream: its end, and how much of its beginning is gone. */
export interface Output {
  readonly text: string;
  readonly droppedChars: number;
  /** The byte of the stream that comes next, where the agent says where its chunks belong. */
  readonly nextByte?: number;
}

/**
 * Characters kept per stream. The agent's last push holds 256 KiB and a line that says it was cut; 1 KiB more lets
 * that pass whole.
 */
export const outputCharsMax = 257 * 1024;

export const emptyOutput: Output = { text: '', droppedChars: 0 };

/** Adds a delta at the end; what no longer fits is dropped at the beginning, up to the next line if that is near. */
export function appendOutput(output: Output, chunk: string): Output {
  if (chunk === '') return output;
  const text = output.text + chunk;
  if (text.length <= outputCharsMax) return { ...output, text };
  const from = cutPoint(text, text.length - outputCharsMax);
  return { text: text.slice(from), droppedChars: output.droppedChars + from };
}

/**
 * Takes the first delta after the line to the agent broke. An agent that hands a live run back sends its output from
 * the start; one that does not goes on where it is. Until the last push, which is right in any case, this is a guess.
 */
export function resumeOutput(output: Output, chunk: string): Output {
  const isReplay = output.droppedChars === 0 && chunk.startsWith(output.text);
  return appendOutput(isReplay ? emptyOutput : output, chunk);
}

/**
 * Takes a chunk that begins at byte `from` of its stream. From the start: it is told anew, after a break or by another attempt. Behind what is
 * known: what lies between is missing, and only what comes from there on is kept. Before it, after a break: what is known is left out.
 */
export function placeOutput(
  output: Output,
  chunk: string,
  { from, isInterrupted }: { readonly from: number; readonly isInterrupted: boolean },
): Output {
  const known = output.nextByte ?? 0;
  const bytes = new TextEncoder().encode(chunk);
  const nextByte = from + bytes.length;
  if (from === 0) return { ...appendOutput(emptyOutput, chunk), nextByte };
  if (from > known) {
    const missing = output.droppedChars + output.text.length + from - known;
    return { ...appendOutput({ text: '', droppedChars: missing }, chunk), nextByte };
  }
  if (from === known || !isInterrupted) return { ...appendOutput(output, chunk), nextByte };
  if (nextByte <= known) return output;
  return { ...appendOutput(output, new TextDecoder().decode(bytes.subarray(known - from))), nextByte };
}

/** The end of an output that begins at byte `from`, in place of whatever was known. */
export function endOutput(chunk: string, from: number): Output {
  return appendOutput({ text: '', droppedChars: from }, chunk);
}

/** The full output of the last push replaces the streamed one, unless it is empty or cut and the streamed one is longer. */
export function finalOutput(streamed: Output, full: string): Output {
  const streamedChars = streamed.text.length + streamed.droppedChars;
  if (full === '' || (isCut(full) && streamedChars > full.length)) return streamed;
  return appendOutput(emptyOutput, full);
}

function isCut(text: string): boolean {
  return text.slice(-200).includes('...[truncated: output exceeded');
}

const lineSearchChars = 4096;

function cutPoint(text: string, from: number): number {
  const newline = text.indexOf('\n', from);
  if (newline !== -1 && newline - from < lineSearchChars) return newline + 1;
  const unit = text.charCodeAt(from);
  const isLowSurrogate = unit >= 0xdc00 && unit <= 0xdfff;
  return isLowSurrogate ? from + 1 : from;
}
