/**
 * `conservation/program.ts SERVER [--runs N] [--faults N] [--seed N] [--brokers keeps|forgets|cluster]`: prints one line of JSON; exits 1 when
 * anything is lost, doubled, wrong or unknown. The program under test stands in `KANADE_PROGRAM`.
 */
import { parseArgs } from 'node:util';
import type { BrokerKind } from './brokers.ts';
import { conserve } from './conserve.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    runs: { type: 'string', default: '100' },
    faults: { type: 'string', default: '60' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000_000) },
    brokers: { type: 'string', default: 'keeps' },
  },
});
const brokerKind = values.brokers as BrokerKind;
const conserved = await conserve({
  serverPath: positionals[0] ?? '',
  runs: Number(values.runs),
  faults: Number(values.faults),
  seed: Number(values.seed),
  brokerKind,
  // What the broker has thrown away never comes: only a few patient seconds say so.
  patienceMs: brokerKind === 'forgets' ? 60_000 : 120_000,
});
process.stdout.write(`${JSON.stringify(conserved)}\n`);
if (conserved.faults.length > 0) process.exitCode = 1;
