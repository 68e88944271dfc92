/* Somebody who means harm, as a process of their own user. `abuser.cjs SOCKET SEED ATTEMPTS CONNECTIONS_OF_A_USER`; a line of JSON says what came of each abuse. */
const { connect } = require('node:net');

const [, , path, seedText, attemptsText, perUserText] = process.argv;
const [attempts, perUserMax] = [Number(attemptsText), Number(perUserText)];

/** Numbers below `max` that a seed repeats. */
let state = Number(seedText) >>> 0;
const below = (max) => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return Math.floor((state / 2 ** 32) * max);
};

const frameOf = (body) => {
  const bytes = Buffer.isBuffer(body) ? body : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(bytes.length);
  return Buffer.concat([length, bytes]);
};
const request = (id, method, params = {}) => frameOf({ jsonrpc: '2.0', id, method, params });
const hello = request('h', 'system.handshake', { client: 'x', client_version: '0', protocol: [1] });

/** Resolves with what came, once the other side has ended or `isEnough` says so; then the socket is gone. */
const talk = (write, isEnough = () => false) =>
  new Promise((resolve) => {
    const socket = connect(path);
    let heard = '';
    const over = () => {
      socket.destroy();
      resolve(heard);
    };
    socket.on('error', over);
    socket.on('close', over);
    socket.on('data', (chunk) => {
      heard += chunk.toString('latin1');
      if (isEnough(heard)) over();
    });
    socket.on('connect', () => write(socket));
  });
const count = (text, sign) => text.split(sign).length - 1;

/** Frames of nonsense, lengths that lie, streams that stop anywhere. */
async function fuzz() {
  for (let round = 0; round < attempts / 20; round++) {
    const parts = below(2) ? [hello] : [];
    for (let part = below(6); part >= 0; part--) {
      const bytes = Buffer.from(Array.from({ length: below(300) }, () => below(256)));
      const kind = below(5);
      if (kind === 0) parts.push(bytes);
      else if (kind === 1) parts.push(frameOf(bytes));
      else if (kind === 2) parts.push(Buffer.from([255, 255, 255, 255]), bytes);
      else if (kind === 3) parts.push(frameOf(''), frameOf('{"jsonrpc":"2.0","id":1e999,"method":"\\ud800"}'));
      else
        parts.push(
          request(String(below(9)), ['jobs.kill', 'system.log_tail', '__proto__'][below(3)], { lines: below(9) }),
        );
    }
    await talk((socket) => socket.end(Buffer.concat(parts)));
  }
  return { connections: Math.ceil(attempts / 20) };
}

/** Each byte on its own. */
async function byteByByte() {
  const heard = await talk(
    async (socket) => {
      socket.setNoDelay(true);
      for (const byte of Buffer.concat([hello, request('1', 'system.ping')])) {
        await new Promise((resolve) => socket.write(Buffer.from([byte]), resolve));
      }
    },
    (text) => text.includes('agent_time'),
  );
  return { answers: count(heard, '"jsonrpc"') };
}

/** Requests that are taken back while others come. Each has one answer. */
async function cancels() {
  const ids = Array.from({ length: 25 }, (_, at) => `c${at}`);
  const heard = await talk(
    (socket) => {
      socket.write(hello);
      for (const id of ids) {
        const cancel = frameOf({ jsonrpc: '2.0', method: 'rpc.cancel', params: { id } });
        socket.write(Buffer.concat([request(id, 'system.log_tail', { lines: 1000 }), cancel, cancel]));
      }
    },
    (text) => count(text, '"id":"c') >= ids.length,
  );
  return { requests: ids.length, answers: count(heard, '"id":"c'), ids: new Set(heard.match(/"id":"c\d+"/g)).size };
}

/** Asks for much and reads nothing, until it is cut off or everything was written. */
function slowReader() {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.pause();
    socket.on('error', () => undefined);
    socket.write(hello);
    for (let at = 0; at < 40; at++) socket.write(request(`s${at}`, 'system.log_tail', { lines: 1000 }));
    // It stays, unread, while everything else goes on.
    resolve({ held: socket });
  });
}

/** Connections that say nothing: as many as one user may have stay, all the others are turned away. */
async function idle() {
  const open = new Set();
  let refused = 0;
  let wake = () => undefined;
  const begin = () => {
    const socket = connect(path);
    open.add(socket);
    socket.on('error', () => undefined);
    socket.on('data', () => undefined);
    socket.on('close', () => {
      if (open.delete(socket)) refused++;
      wake();
    });
  };
  for (let begun = 0; begun < attempts; begun += 100) {
    for (let more = 0; more < 100; more++) begin();
    while (open.size > perUserMax) {
      await new Promise((resolve) => {
        wake = resolve;
      });
    }
  }
  const held = open.size;
  for (const socket of open) {
    open.delete(socket);
    socket.destroy();
  }
  return { attempts, refused, held };
}

async function main() {
  const { held } = await slowReader();
  for (const [name, abuse] of Object.entries({ byteByByte, cancels, fuzz, idle })) {
    process.stdout.write(`${JSON.stringify({ name, ...(await abuse()) })}\n`);
  }
  held.destroy();
}
main();
