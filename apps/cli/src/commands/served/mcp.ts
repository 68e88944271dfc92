import { mcpPort } from '@kanade/shared/job-words';
import { defineCommand, noWords, UsageError } from '../../call/command.ts';
import { listenOptions } from '../../listen/options.ts';
import { untilRule } from '../../mcp/until.ts';

/** Those of a server: without --http there is none. */
const ofServer = listenOptions(mcpPort);

export const mcp = defineCommand({
  name: 'mcp',
  summary: 'give these jobs to AI agents, over the Model Context Protocol',
  usage: '',
  options: {
    http: { kind: 'flag', help: 'for any number of clients, over HTTP at /mcp' },
    ...ofServer,
  },
  notes: [
    `Without --http, standard input and output belong to the protocol until the client closes them. Jobs outlive both. AGENT_EXEC_MCP_DEFAULT_UNTIL_SECONDS
and AGENT_EXEC_MCP_MAX_UNTIL_SECONDS set how long a call waits (50 s at most). docs/guide/mcp.md says how it is set up in each program.`,
  ],
  examples: [
    `kanade mcp <<< '{"jsonrpc":"2.0","id":1,"method":"tools/list"}'`,
    'kanade mcp --http --port 0 --address-file serve.url',
  ],
  async run({ http, ...given }, words, context) {
    noWords(words);
    const { io, program } = context;
    const option = Object.keys(ofServer).find((name) => given[name as keyof typeof ofServer] !== undefined);
    if (!http && option) throw new UsageError(`--${option} is for --http`);
    const rule = untilRule(io.env);
    if ('fault' in rule) {
      io.stderr(`${program} mcp: ${rule.fault}\n`);
      return { exitCode: 1 };
    }
    // Loaded on demand: the protocol costs more start-up than all local commands do.
    const { serveOnHttp, serveOnStdio } = await import('../../mcp/open.ts');
    if (http) await serveOnHttp(given, context, rule);
    else await serveOnStdio(context, rule);
    return { exitCode: 0 };
  },
});
