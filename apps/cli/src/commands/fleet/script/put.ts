import { readFile, stat } from 'node:fs/promises';
import { Failure } from '../../../answer/answer.ts';
import { defineCommand, UsageError } from '../../../call/command.ts';
import { withFleet } from '../connect.ts';

export const scriptPut = defineCommand({
  name: 'script put',
  summary: 'store a script (UTF-8, at most 4 MiB) that manifests name as script_object: NAME/VERSION',
  usage: 'NAME VERSION FILE',
  options: {
    replace: { kind: 'flag', help: 'put it in the place of another; machines refuse orders that were for the other' },
  },
  examples: ['kanade fleet script put disk-report 1.0.0 disk-report.sh'],
  async run({ replace = false }, words, context) {
    const [name, version, file, extra] = words;
    if (name === undefined || version === undefined || file === undefined || extra !== undefined) {
      throw new UsageError('three words are needed: NAME VERSION FILE');
    }
    return withFleet(context, async ({ fleet, putScript, scriptObjectBytesMax, audit }) => {
      const { io } = context;
      const bytes = await readScript(file, scriptObjectBytesMax);
      const put = await putScript(fleet, { name, version, bytes, mayReplace: replace, signal: io.signal });
      const { key: script, sha256, size, before, jobs } = put;
      const noted = await audit({ action: 'script.put', about: name, details: { script, sha256, before } });
      if (before === 'another') io.stderr(`${script} was another: machines refuse orders that were for it\n`);
      return { type: 'fleet.script.put', script, sha256, size_bytes: size, before, jobs, ...noted };
    });
  },
});

/** What is too large is refused before it is read. */
async function readScript(file: string, bytesMax: number): Promise<Uint8Array> {
  try {
    const { size } = await stat(file);
    if (size <= bytesMax) return await readFile(file);
    throw new Error(`it has ${size} bytes, at most ${bytesMax}`);
  } catch (cause) {
    const said = cause instanceof Error ? cause.message : String(cause);
    throw new Failure('file_unreadable', `reading the script failed: ${said}`, { details: { file }, cause });
  }
}
