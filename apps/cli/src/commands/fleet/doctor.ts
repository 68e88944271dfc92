import { calledAs, defineCommand, noWords } from '../../call/command.ts';
import { readAccess } from './connect.ts';

export const fleetDoctor = defineCommand({
  name: 'doctor',
  summary: 'try each address of the broker, and say in words what is wrong',
  usage: '',
  options: {},
  examples: ['kanade fleet doctor', 'kanade fleet --server tls://broker.example doctor'],
  async run(_options, words, context) {
    noWords(words);
    const { library, access } = await readAccess(context);
    const { signal } = context.io;
    const found = await library.examineBroker(access, { signal, nowMs: Date.now() });
    const findings = found.map(({ fix, ...rest }) => (fix ? { ...rest, fix: calledAs(context.program, fix) } : rest));
    return { type: 'fleet.doctor', healthy: findings.every(({ ok }) => ok), findings };
  },
});
