// Dials the path it is given, trusting the uids that follow beside root and itself, and prints what came of it.
import { dialLocal, SocketError } from '@kanade/klp/socket';

const [path = '', ...uids] = process.argv.slice(2);
try {
  (await dialLocal({ path, serverUids: uids.map(Number) })).destroy();
  process.stdout.write('connected\n');
} catch (error) {
  process.stdout.write(`${error instanceof SocketError ? `${error.code}: ${error.message}` : String(error)}\n`);
}
