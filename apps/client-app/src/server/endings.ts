/* The last push of a run holds the beginning of its output; people want the end of what they have watched. It is read from the agent's disk. */
import type { Client } from '@kanade/klp';
import type { JobProgress, localContract, OutputQuery } from '@kanade/shared/local';

/** Bytes of the end of one stream that are asked for: what a page keeps. */
const endBytes = 256 * 1024;

type Line = Pick<Client<typeof localContract>, 'ready' | 'call'>;

/** The last push of a run with the end of each stream in place of its beginning; as it came where that cannot be had. */
export async function withEnd(line: Line, progress: JobProgress): Promise<JobProgress> {
  try {
    // An ending that was missed comes while the connection is still being made, when nothing else can be asked.
    await line.ready();
    const { run_id } = progress;
    const [out, err] = await Promise.all([readEnd(line.call, run_id, 'stdout'), readEnd(line.call, run_id, 'stderr')]);
    return {
      ...progress,
      stdout_chunk: out.text,
      stdout_from: out.from,
      stderr_chunk: err.text,
      stderr_from: err.from,
    };
  } catch {
    return progress;
  }
}

async function readEnd(call: Line['call'], run_id: string, stream: OutputQuery['stream']) {
  // Whoever asks for what is behind the end hears where that is, and nothing is read or sent for it.
  const { total_bytes } = await call('jobs.output', { run_id, stream, from: Number.MAX_SAFE_INTEGER });
  const begin = Math.max(0, total_bytes - endBytes);
  const parts: string[] = [];
  for (let at = begin; at < total_bytes; ) {
    const part = await call('jobs.output', { run_id, stream, from: at });
    if (part.to <= at) break;
    parts.push(part.text);
    at = part.to;
  }
  const text = parts.join('');
  // It may begin within a character.
  return { text: begin === 0 ? text : text.replace(/^\ufffd{1,3}/, ''), from: begin };
}
