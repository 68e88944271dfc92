/** `kanade fleet …`: the operator's door to other machines. */
import type { Door } from '../../call/command.ts';
import { agents } from './agents.ts';
import { shownServer } from './connect.ts';
import { exec } from './exec.ts';
import { jobList } from './job-list.ts';
import { jobPut } from './job-put.ts';
import { jobRemove } from './job-remove.ts';
import { keyCreate } from './key/create.ts';
import { keyList } from './key/list.ts';
import { keyRemove } from './key/remove.ts';
import { keyTrust } from './key/trust.ts';
import { fleetKill } from './kill.ts';
import { ping } from './ping.ts';
import { setup } from './setup.ts';

export const fleet: Door = {
  name: 'fleet',
  summary: 'orders jobs on other machines over NATS JetStream, and follows how they end',
  options: {
    server: { kind: 'text', value: 'URL', help: 'the broker (default: KANADE_NATS_URL, else nats://127.0.0.1:4222)' },
  },
  commands: [setup, jobPut, jobList, jobRemove, exec, fleetKill, ping, agents, keyCreate, keyList, keyTrust, keyRemove],
  aliases: {},
  notes: ['The token for the broker comes from KANADE_NATS_TOKEN, never from the command line.'],
  speaksToPeople: true,
  about: (context) => `broker ${shownServer(context)}`,
};
