/** The key that a call signs orders with. */
import { existsSync } from 'node:fs';
import type { Order } from '@kanade/fleet';
import type { Signer } from '@kanade/fleet/keys';
import type { Context, OptionTable } from '../../../call/command.ts';
import { keysDir, knownKeysDir } from './places.ts';

export const keyOption = {
  key: {
    kind: 'text',
    value: 'KEY',
    help: 'sign with this key (default: KANADE_SIGNING_KEY, else your only key if you have one)',
  },
} as const satisfies OptionTable;

/** The key of the option, of the environment, or the only one; undefined where the operator has none. Throws FleetError. */
export async function signerFor(context: Context, given: string | undefined): Promise<Signer | undefined> {
  const kid = given ?? (context.io.env.KANADE_SIGNING_KEY || undefined);
  const known = knownKeysDir(context);
  if (kid === undefined && (known === undefined || !existsSync(known))) return undefined;
  const { openSigner } = await import('./library.ts');
  return openSigner(keysDir(context), kid);
}

/** How an order was signed, for an answer; what the operator must know about it goes to stderr. */
export function signatureOf(
  { provenance }: Pick<Order, 'provenance'>,
  { io }: Pick<Context, 'io'>,
): Record<string, unknown> {
  if (!provenance) return {};
  const { kid, protocol, isTrusted, mayNotAsk } = provenance;
  if (mayNotAsk)
    io.stderr(
      `whether machines trust key ${kid} is unknown, because the broker does not let this user ask them: the order is signed and not sealed for one machine\n`,
    );
  if (isTrusted === false)
    io.stderr(`the machine does not trust key ${kid}: the order counts as unsigned there, or is refused\n`);
  return { signed_by: kid, protocol };
}
