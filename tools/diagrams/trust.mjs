import { picture } from './draw.mjs';

/** Which key or credential says what to whom, and who checks it. */
export function trust() {
  const rows = [
    [
      'fleet',
      ['operator’s signing key', 'a file of yours, 0600'],
      'signature over the order',
      ['the machine', 'its key ring: whom it obeys'],
      'a broker that was taken over cannot order',
    ],
    [
      'store',
      ['NKey or JWT of a role', 'operator, agent, read-only …'],
      'login, then every subject',
      ['the broker', 'the least that each role needs'],
      'a machine cannot order, or read others’ orders',
    ],
    [
      'person',
      ['login at the machine', 'an account of the system'],
      'peer credentials of the socket',
      ['the agent', 'one table: who may do what'],
      'nothing that a caller says of itself counts',
    ],
    [
      'script',
      ['release key', 'offline, never on the broker'],
      'signed release manifest',
      ['the machine', 'keys that came with the install'],
      'a store that was taken over cannot update',
    ],
    [
      'plain',
      ['enrolment token', 'once, for a while, in a file'],
      'the machine’s own public key',
      ['the issuer', 'gives that machine its rights'],
      'the seed never leaves the machine',
    ],
  ];
  const { box, arrow, text, svg } = picture(
    1000,
    96 + rows.length * 88 + 16,
    'Who is believed, and by whom',
    'Five kinds of keys: who holds each, what travels, who checks it, and what that is good for.',
  );
  for (const [x, name] of [
    [28, 'who holds'],
    [300, 'what travels'],
    [520, 'who checks'],
    [770, 'so that'],
  ])
    text(x, 76, name);
  for (const [at, [tone, holder, travels, checker, sense]] of rows.entries()) {
    const y = 92 + at * 88;
    box(28, y, 220, 66, tone, holder);
    box(520, y, 226, 66, tone, checker);
    arrow(
      [
        [248, y + 33],
        [518, y + 33],
      ],
      travels,
      { dy: -9 },
    );
    const words = sense.split(' ');
    const half = words.findIndex((_, n) => words.slice(0, n + 1).join(' ').length > sense.length / 2);
    text(770, y + 29, words.slice(0, half + 1).join(' '));
    text(770, y + 46, words.slice(half + 1).join(' '));
  }
  return svg();
}
