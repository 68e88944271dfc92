import type { Issued } from '@kanade/fleet/enrol';
import { type Context, defineCommand, noWords } from '../../../call/command.ts';
import { type Connected, withFleet } from '../connect.ts';
import { authorityOption, keysOf } from './places.ts';

export const enrolServe = defineCommand({
  name: 'enrol serve',
  summary: 'enrol machines that ask with a token, until Ctrl-C',
  usage: '',
  options: authorityOption,
  notes: [
    'Needs of the directory only enrol/account, enrol/issuer.nk and enrol/issuer.creds, as whom it connects. It says on standard error whom it has let in. It may be killed at any time, and several may run at once: a token lets in as many machines as it says.',
  ],
  examples: ['kanade fleet enrol serve --keys ./keys'],
  async run(options, words, context) {
    noWords(words);
    const dir = keysOf(options, context);
    const { issuerCreds, otherMode, readSigning, serveEnrolment } = await import('./library.ts');
    const signing = readSigning(dir, 'agent');
    const counts = { enrolled: 0, again: 0, refused: 0 };
    const serving = withFleet(asIssuer(context, issuerCreds(dir)), async ({ fleet, audit }) => {
      const { io } = context;
      // Records follow one behind the other; no machine waits for one.
      let recording = Promise.resolve();
      await serveEnrolment(fleet, {
        signing,
        signal: io.signal,
        onReady: () => io.stderr('ready: machines that ask with a token are enrolled\n'),
        onIssued(issued) {
          io.stderr(`${tell(issued, counts)}\n`);
          recording = recording.then(() => record(issued, audit));
        },
        onFault: (fault) => io.stderr(`not done, they ask again: ${fault.message}\n`),
      });
      await recording;
    });
    await serving.catch((error: Error & { code?: string }) => {
      throw error.code === 'broker_refused' ? otherMode(error) : error;
    });
    return { type: 'fleet.enrol.serve', ...counts };
  },
});

/** The call as the user that may enrol, whoever the operator is else. */
function asIssuer(context: Context, creds: string): Context {
  const { io } = context;
  const { KANADE_NATS_TOKEN, KANADE_NATS_USER, KANADE_NATS_PASSWORD, KANADE_NATS_NKEY, ...env } = io.env;
  const own = Object.create(io, { env: { value: { ...env, KANADE_NATS_CREDS: creds } } }) as Context['io'];
  return { ...context, io: own };
}

function tell(
  { answer, request, again }: Issued,
  counts: { enrolled: number; again: number; refused: number },
): string {
  if (!answer.ok) {
    counts.refused++;
    return `refused ${request?.pc_id ?? 'a request'}: ${answer.code}: ${answer.message}`;
  }
  if (again) counts.again++;
  else counts.enrolled++;
  const groups = answer.groups.length === 0 ? '' : `, groups ${answer.groups.join(', ')}`;
  return `${again ? 'answered again' : 'enrolled'} ${request?.pc_id}, token ${request?.token}${groups}`;
}

async function record({ answer, request, again }: Issued, audit: Connected['audit']): Promise<void> {
  if (!request || again || !answer.ok) return;
  const { token, public_key } = request;
  const { groups, generation } = answer;
  await audit({ action: 'enrol', about: request.pc_id, details: { token, public_key, groups, generation } });
}
