import { Failure } from '../../../answer/answer.ts';
import { type Context, defineCommand, oneWord } from '../../../call/command.ts';
import { type Connected, readAccess, withFleet } from '../connect.ts';
import { authorityOption, keysOf } from '../enrol/places.ts';

export const fleetForget = defineCommand({
  name: 'forget',
  summary:
    'forget a machine that is gone: its groups, all orders for it alone, and the credentials that it was enrolled with; whoever comes under its id later is a new one',
  usage: 'PC',
  options: authorityOption,
  notes: ['A machine that was enrolled needs --keys: its credentials end first.'],
  examples: ['kanade fleet forget pc-1', 'kanade fleet forget pc-1 --keys ./keys'],
  async run(options, words, context) {
    const pc = oneWord(words, 'PC');
    return withFleet(context, async (connected) => {
      const { fleet, forgetMachine, audit } = connected;
      const credentials = await end(pc, { options, context, connected });
      const { withdrawn, wasGrouped } = await forgetMachine(fleet, pc, { signal: context.io.signal });
      const details = { withdrawn, was_grouped: wasGrouped, credentials };
      const noted = await audit({ action: 'forget', about: pc, details });
      if (credentials === 'pending') throw pending(pc);
      return { type: 'fleet.forget', pc_id: pc, withdrawn, was_grouped: wasGrouped, credentials, ...noted };
    });
  },
});

interface Ending {
  readonly options: { readonly keys?: string | undefined };
  readonly context: Context;
  readonly connected: Connected;
}

/** Ends the credentials of a machine, where it has some. Before its orders are taken back: who has them could still hear those. */
async function end(pc: string, { options, context, connected }: Ending): Promise<'none' | 'ended' | 'pending'> {
  const { signal } = context.io;
  const { credentialsOf, endCredentials, readAuthority } = await import('../enrol/library.ts');
  if ((await credentialsOf(connected.fleet, pc, signal)) === 'none') return 'none';
  if (options.keys === undefined && !context.io.env.KANADE_ENROL_KEYS)
    throw new Failure(
      'enrol_authority_missing',
      `nothing was done: ${pc} was enrolled, and its credentials go on until the authority ends them: name its directory with --keys DIR`,
    );
  const authority = readAuthority(keysOf(options, context));
  const { access } = await readAccess(context);
  return endCredentials(connected.fleet, pc, { authority, access, signal });
}

const pending = (pc: string): Failure =>
  new Failure(
    'credentials_pending',
    `groups and orders of ${pc} are gone, but the broker still lets its credentials in, because it keeps accounts in its configuration: print that anew ` +
      '("kanade fleet setup --print-server-config --enrolment --keys DIR"), put it in place, "nats-server --signal reload", and call this again',
  );
