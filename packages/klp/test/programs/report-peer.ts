// Accepts one connection on the path it is given, prints who it is by the operating system's word, and ends.

import { listenLocal } from '@kanade/klp/socket';
import { errors } from '../errors.ts';

const listener = await listenLocal({
  path: process.argv[2] ?? '',
  contract: { errors },
  accept: () => ({ ok: true }),
  onConnection: (duplex, peer) => {
    process.stdout.write(`${JSON.stringify({ runtime: process.versions.bun === undefined ? 'node' : 'bun', peer })}\n`);
    duplex.resume();
    duplex.end();
    void listener.close();
  },
});
process.stdout.write('listening\n');
