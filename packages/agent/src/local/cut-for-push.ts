import { limits } from '../limits.ts';
import { cutToBytes } from '../report/cut-to-bytes.ts';

/** The line that stands where output was cut off. */
export const cutNote = (bytesMax: number): string => `\n...[truncated: output exceeded ${bytesMax / 1024} KiB]\n`;

/** The output of one stream as it goes into the last push of a run. */
export function cutForPush(text: string): string {
  let bytesMax: number = limits.pushOutputBytesMax;
  let cut = cutToBytes(text, bytesMax);
  // Control characters take six bytes each in JSON; the message has a cap of its own.
  while (Buffer.byteLength(JSON.stringify(cut)) > limits.pushOutputJsonBytesMax) {
    bytesMax = Math.floor(bytesMax * 0.75);
    cut = cutToBytes(text, bytesMax);
  }
  return cut.length === text.length ? text : `${cut}${cutNote(limits.pushOutputBytesMax)}`;
}
