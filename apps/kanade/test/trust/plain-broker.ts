import { connect } from 'node:net';
import { eventually } from '@kanade/testkit';

/** What one message of a subject says, with the id by which a broker knows a repetition. */
export interface Heard {
  readonly subject: string;
  readonly body: Buffer;
}

/**
 * An operator who speaks NATS by hand, so that no client of ours stands between the test and the broker: listens to
 * subjects from the first byte on, and publishes orders that the broker has stored when `publish` resolves.
 */
export async function openPlainBroker(url: string, subjects: readonly string[] = []) {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  const heard: Heard[] = [];
  const answers = new Map<string, string>();
  const inbox = `_INBOX.plain.${process.pid}.${Math.random().toString(36).slice(2)}`;
  let pending: Buffer = Buffer.alloc(0);
  let pongs = 0;
  let published = 0;

  socket.on('data', (chunk) => {
    pending = Buffer.concat([pending, chunk]);
    while (takeFrame());
  });

  /** Takes one line, and the payload behind it; false until all of it is there. */
  function takeFrame(): boolean {
    const end = pending.indexOf('\r\n');
    if (end < 0) return false;
    const words = pending.toString('latin1', 0, end).split(' ');
    const from = end + 2;
    if (words[0] === 'PING') socket.write('PONG\r\n');
    if (words[0] === 'PONG') pongs++;
    if (words[0] !== 'MSG' && words[0] !== 'HMSG') {
      pending = pending.subarray(from);
      return true;
    }
    const bytes = Number(words.at(-1));
    if (pending.length < from + bytes + 2) return false;
    const headerBytes = words[0] === 'HMSG' ? Number(words.at(-2)) : 0;
    take(words[1] ?? '', Buffer.from(pending.subarray(from + headerBytes, from + bytes)));
    pending = pending.subarray(from + bytes + 2);
    return true;
  }

  function take(subject: string, body: Buffer): void {
    if (subject.startsWith(inbox)) answers.set(subject, body.toString('utf8'));
    else heard.push({ subject, body });
  }

  const all = [...subjects, `${inbox}.*`];
  const subscriptions = all.map((subject, index) => `SUB ${subject} ${index + 1}\r\n`).join('');
  socket.on('error', () => undefined); // a broker that is killed; what a test waits for then fails by its own name
  socket.write(`CONNECT {"verbose":false,"headers":true}\r\n${subscriptions}PING\r\n`);
  await eventually('the broker answers', () => pongs > 0);

  /** Resolves with what the broker, or whoever else listens, answers. */
  async function request(subject: string, body: string | Uint8Array): Promise<string> {
    const bytes = Buffer.from(body);
    const reply = `${inbox}.${++published}`;
    socket.write(
      Buffer.concat([Buffer.from(`PUB ${subject} ${reply} ${bytes.length}\r\n`), bytes, Buffer.from('\r\n')]),
    );
    const answer = await eventually(`an answer on ${subject}`, () => answers.get(reply));
    if (answer.includes('"error"')) throw new Error(`${subject}: ${answer}`);
    return answer;
  }

  return {
    heard,
    request,
    /** Says something that nobody need answer. */
    tell: (subject: string) => void socket.write(`PUB ${subject} 0\r\n\r\n`),
    /** Stores a message in the stream of its subject. */
    publish: async (subject: string, value: object | string) => {
      await request(subject, typeof value === 'string' ? value : JSON.stringify(value));
    },
    /** The results heard so far, oldest first; a repetition stands twice. */
    results: () => heard.filter(({ subject }) => subject.startsWith('results.')).map(({ body }) => readResult(body)),
    [Symbol.asyncDispose]: async () => void socket.destroy(),
  };
}

/** What a result on the wire says, as far as these tests look. */
export interface PlainResult {
  readonly result_id: string;
  readonly request_id: string;
  readonly exit_code: number;
  readonly skipped: boolean;
  readonly stdout: string;
  readonly stderr: string;
  readonly ending?: string;
  readonly stop_report?: { readonly survivors: readonly { readonly pid: number; readonly name: string }[] };
}

const readResult = (body: Buffer): PlainResult => JSON.parse(body.toString('utf8')) as PlainResult;

let count = 0;

/** An order as small as can be, with an id of its own. */
export function orderOf(script: string, more: Record<string, unknown> = {}) {
  const number = `${process.pid}-${++count}`;
  return {
    id: 'job',
    version: '1',
    request_id: `request-${number}`,
    exec_id: `exec-${number}`,
    shell: 'sh',
    script,
    timeout_secs: 60,
    ...more,
  };
}
