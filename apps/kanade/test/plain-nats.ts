import { connect } from 'node:net';

/**
 * A machine that speaks NATS by hand: takes the orders of one subject and answers each with a result that the test makes,
 * so that a suite can see what the command line says to results which no agent of ours would send.
 */
export async function answerOrders(
  url: string,
  { subject, resultOf }: { subject: string; resultOf: (order: { request_id: string }) => object },
) {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  let text = '';
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
    for (let frame = nextFrame(); frame; frame = nextFrame()) {
      if (frame === 'PING') socket.write('PONG\r\n');
      else if (typeof frame === 'object') answerOrder(frame.body);
    }
  });

  /** Takes one line, and the body behind it when it is a message; undefined until all of it is there. */
  function nextFrame(): string | { body: string } | undefined {
    const end = text.indexOf('\r\n');
    if (end < 0) return undefined;
    const line = text.slice(0, end);
    const bodyBytes = line.startsWith('MSG ') ? Number(line.split(' ').at(-1)) : undefined;
    if (bodyBytes === undefined) {
      text = text.slice(end + 2);
      return line;
    }
    if (text.length < end + bodyBytes + 4) return undefined;
    const body = text.slice(end + 2, end + 2 + bodyBytes);
    text = text.slice(end + bodyBytes + 4);
    return { body };
  }

  function answerOrder(body: string): void {
    const order = JSON.parse(body) as { request_id: string };
    const result = JSON.stringify(resultOf(order));
    socket.write(`PUB results.${order.request_id} ${Buffer.byteLength(result)}\r\n${result}\r\n`);
  }

  // The answer to our PING says that the broker has the subscription.
  const subscribed = new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.on('data', function look(chunk: string) {
      if (!chunk.includes('PONG')) return;
      socket.off('data', look);
      resolve();
    });
  });
  socket.write(`CONNECT {"verbose":false}\r\nSUB ${subject} 1\r\nPING\r\n`);
  await subscribed;
  return { [Symbol.asyncDispose]: async () => void socket.destroy() };
}
