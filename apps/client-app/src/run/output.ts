/* What is kept of what a run prints. Server and page keep the same, by the same functions. */

/** What is kept of one output stream: its end, and how much of its beginning is gone. */
export interface Output {
  readonly text: string;
  readonly droppedChars: number;
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
