import { runKeeper } from '@kanade/runner';
import { defineCommand } from '../../call/command.ts';

/** Private: the keeper process of a jobs root, started by calls whose jobs outlive them. */
export const serveRoot = defineCommand({
  name: '_host',
  summary: 'watch over the running jobs of a root (started by other commands)',
  usage: '',
  options: { 'idle-ms': { kind: 'count', value: 'N', help: 'leave after so many ms without a job (default 10000)' } },
  examples: [],
  async run(options, _words, { root, io }) {
    const idleMs = options['idle-ms'];
    const outcome = await runKeeper({ root, signal: io.signal, ...(idleMs === undefined ? {} : { idleMs }) });
    return { type: 'host', outcome };
  },
});
