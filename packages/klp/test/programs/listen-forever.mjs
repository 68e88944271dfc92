// Listens on the path it is given until it is killed, so that its socket stays behind.
import { createServer } from 'node:net';

createServer(() => {}).listen(process.argv[2], () => process.stdout.write('listening\n'));
