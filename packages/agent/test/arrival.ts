import type { Run } from '../src/run/model.ts';
import type { Arrival } from '../src/store/ledger.ts';

/** How an order came, for tests that only need it to be in the ledger. */
export const arrivalOf = ({ command }: Pick<Run, 'command'>, more: Partial<Arrival> = {}): Arrival => ({
  subject: 'commands.pc.pc-1.job',
  bytes: Buffer.from(JSON.stringify(command)),
  headers: {},
  fingerprint: 'f',
  ...more,
});
