/** Opens connections that shake hands and then say nothing: `klp|vscode-jsonrpc PATH`. */
import { connect } from 'node:net';
import { answerCommands } from './setup.mjs';

const [side, path] = process.argv.slice(2);
const sockets = [];

function frame(body) {
  const text = JSON.stringify({ jsonrpc: '2.0', ...body });
  if (side !== 'klp') return `Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`;
  const bytes = Buffer.alloc(4 + Buffer.byteLength(text));
  bytes.writeUInt32LE(bytes.length - 4);
  bytes.write(text, 4);
  return bytes;
}

/** Sends one request and waits for whatever comes back. */
function ask(socket, id, method) {
  return new Promise((resolve, reject) => {
    socket.once('data', resolve);
    socket.once('error', reject);
    socket.write(frame({ id, method, params: {} }));
  });
}

async function open() {
  const socket = connect(path);
  await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject));
  await ask(socket, 'h', 'system.handshake');
  sockets.push(socket);
}

await answerCommands({}, async ({ command, count }) => {
  if (command === 'open') for (let at = 0; at < count; at += 50) await Promise.all(Array.from({ length: 50 }, open));
  if (command === 'close') for (const socket of sockets.splice(0)) socket.destroy();
  if (command === 'ping') {
    for (let at = 0; at < sockets.length; at += Math.ceil(sockets.length / count))
      await ask(sockets[at], 'p', 'system.ping');
  }
  return { open: sockets.length };
});
process.exit(0);
