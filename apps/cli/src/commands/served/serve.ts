import { servePort } from '@kanade/shared/job-words';
import { defineCommand, noWords } from '../../call/command.ts';
import { listenOptions } from '../../listen/options.ts';

export const serve = defineCommand({
  name: 'serve',
  summary: 'the jobs of this machine over HTTP, until Ctrl-C; the jobs go on',
  usage: '',
  options: listenOptions(servePort),
  notes: [
    'Every request but GET /health and GET /openapi.json needs the bearer token. Nothing is printed but, on a terminal, where it listens.',
  ],
  examples: [
    'kanade serve --port 0 --address-file serve.url',
    'kanade serve --port 0 --address-file serve.url --allow-origin http://localhost:3000',
  ],
  async run(given, words, context) {
    noWords(words);
    // Loaded on demand: HTTP and the schemas cost more than any other local command does.
    const { serveJobs } = await import('../../serve/serve.ts');
    return serveJobs(given, context);
  },
});
