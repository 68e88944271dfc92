import { calledAs, defineCommand, noWords, UsageError } from '../../call/command.ts';
import { jobsOf } from '../../local/observation.ts';

export const doctor = defineCommand({
  name: 'doctor',
  summary: 'check the installation, and say how to mend what is wrong',
  usage: '',
  options: {
    'data-dir': {
      kind: 'text',
      value: 'DIR',
      help: 'data directory of the agent (default: KANADE_AGENT_DATA_DIR, else where agents of this user and of the system keep it, as their agent.toml says)',
    },
  },
  examples: ['kanade doctor', 'kanade doctor --human', 'kanade doctor --data-dir /srv/kanade'],
  async run({ 'data-dir': dataDir }, words, context) {
    const { root, program } = context;
    noWords(words);
    if (dataDir === '') throw new UsageError('option --data-dir is empty: give a directory');
    // Loaded on demand: it looks at more than any other command.
    const [{ examine }, { examineAgents, examineBrokers }] = await Promise.all([
      import('../../local/examine.ts'),
      import('../../local/examine-agents.ts'),
    ]);
    const found = [
      ...examine(jobsOf(context)),
      ...(await examineAgents(dataDir, context)),
      ...(await examineBrokers(context)),
    ];
    const findings = found.map(({ fix, ...found }) => (fix ? { ...found, fix: calledAs(program, fix) } : found));
    return { type: 'doctor', root, healthy: findings.every(({ ok }) => ok), findings };
  },
});
