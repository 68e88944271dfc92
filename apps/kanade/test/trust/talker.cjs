/* A person as a process of their own user: each line of the input is a message to the agent, each of the output one from it. */
const { connect } = require('node:net');
const { createInterface } = require('node:readline');

const socket = connect(process.argv[2]);
let pending = Buffer.alloc(0);
socket.on('data', (chunk) => {
  pending = Buffer.concat([pending, chunk]);
  while (pending.length >= 4 && pending.length >= 4 + pending.readUInt32LE(0)) {
    const end = 4 + pending.readUInt32LE(0);
    process.stdout.write(`${pending.toString('utf8', 4, end)}\n`);
    pending = pending.subarray(end);
  }
});
socket.on('error', () => undefined);
socket.on('close', () => process.exit(0));
createInterface(process.stdin)
  .on('line', (line) => {
    const body = Buffer.from(line);
    const length = Buffer.alloc(4);
    length.writeUInt32LE(body.length);
    socket.write(Buffer.concat([length, body]));
  })
  .on('close', () => socket.end());
