/**
 * Five agents and a broker that are killed, frozen and cut off while orders come: every accepted order has one ending, the
 * true one, with its output. The long form is `pnpm -s bench agent:conservation`.
 */
import { natsServers } from '@kanade/testkit';
import { describe, expect, it } from 'vitest';
import { program } from '../../program.ts';
import { conserve } from './conserve.ts';

const servers = await natsServers();
/** The bundle on Node has the same agent: a few faults say that it stands on its feet there, too, with the oldest server. */
const isBundle = program.length > 1;
const { path = '' } = servers.at(isBundle ? -1 : 0) ?? {};
/** `KANADE_TRUST_SEED=N` repeats a storm as far as the machine lets it. */
const seed = Number(process.env.KANADE_TRUST_SEED ?? Date.now() % 1_000_000_000);

describe('orders to five agents under faults', () => {
  it('each have one true ending', async () => {
    const [runs, faults] = isBundle ? [20, 12] : [80, 60];
    const conserved = await conserve({
      serverPath: path,
      runs,
      faults,
      brokerKind: 'keeps',
      patienceMs: 120_000,
      seed,
    });
    process.stdout.write(`${JSON.stringify({ ...conserved, logs: undefined })}\n`);
    const { accepted, ended, lost, doubled, wrong, unknown, fresh } = conserved;
    expect(
      { accepted, ended, lost, doubled, wrong, unknown, fresh },
      [...conserved.faults, ...conserved.logs].join('\n'),
    ).toEqual({ accepted: runs + 5, ended: runs + 5, lost: 0, doubled: 0, wrong: 0, unknown: 0, fresh: 5 });
  });
});
