import { defineCommand, noWords, UsageError } from '../../../call/command.ts';
import { withFleet } from '../connect.ts';
import { durationOption, momentOption } from '../times.ts';

/** What a freeze does and what not, in every answer about one. */
const meaning =
  'a freeze stops schedules, of which this version runs none, and keeps rollouts from beginning; orders of operators go on';

export const freezeSet = defineCommand({
  name: 'freeze set',
  summary: 'stop schedules of the fleet and new rollouts, at once or in a window; orders of operators go on',
  usage: '',
  options: {
    from: { kind: 'text', value: 'TIME', help: 'when it begins (default: at once)' },
    until: { kind: 'text', value: 'TIME', help: 'when it is over (default: when it is cleared)' },
    for: { kind: 'text', value: 'DURATION', help: 'how long, such as 2h, instead of --until' },
  },
  notes: ['TIME is RFC 3339, such as 2026-11-21T08:00:00Z. A freeze takes the place of the one before it.'],
  examples: ['kanade fleet freeze set --for 2h', 'kanade fleet freeze set --until 2099-01-01T00:00:00Z'],
  async run(options, words, context) {
    noWords(words);
    const nowMs = Date.now();
    const from = options.from === undefined ? undefined : momentOption('from', options.from);
    const until = untilOf(options, from === undefined ? nowMs : Date.parse(from));
    return withFleet(context, async ({ fleet, setFreeze, audit }) => {
      const { before, now } = await setFreeze(fleet, { from, until, nowMs, signal: context.io.signal });
      const noted = await audit({ action: 'freeze.set', details: { before, now } });
      return { type: 'fleet.freeze.set', ...now, before, meaning, ...noted };
    });
  },
});

function untilOf(
  { until, for: duration }: { until?: string | undefined; for?: string | undefined },
  fromMs: number,
): string | undefined {
  if (until !== undefined && duration !== undefined) throw new UsageError('--until and --for exclude each other');
  if (duration !== undefined) return new Date(fromMs + durationOption('for', duration)).toISOString();
  return until === undefined ? undefined : momentOption('until', until);
}

export const freezeClear = defineCommand({
  name: 'freeze clear',
  summary: 'let schedules and rollouts go on',
  usage: '',
  options: {},
  examples: ['kanade fleet freeze clear'],
  async run(_options, words, context) {
    noWords(words);
    return withFleet(context, async ({ fleet, clearFreeze, audit }) => {
      const before = await clearFreeze(fleet, { nowMs: Date.now(), signal: context.io.signal });
      const noted = await audit({ action: 'freeze.clear', details: { before } });
      return { type: 'fleet.freeze.clear', state: 'none', frozen: false, before, ...noted };
    });
  },
});

export const freezeStatus = defineCommand({
  name: 'freeze status',
  summary: 'show whether schedules and rollouts stand still, and until when',
  usage: '',
  options: {},
  examples: ['kanade fleet freeze status'],
  async run(_options, words, context) {
    noWords(words);
    return withFleet(context, async ({ fleet, readFreeze }) => {
      const status = await readFreeze(fleet, { nowMs: Date.now(), signal: context.io.signal });
      return { type: 'fleet.freeze.status', ...status, meaning };
    });
  },
});
