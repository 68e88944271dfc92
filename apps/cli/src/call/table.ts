/** Every command, in the order of the help. Local ones are here at once; another door is loaded when its word is said. */
import { completions } from '../commands/local/completions.ts';
import { create } from '../commands/local/create.ts';
import { deleteCommand } from '../commands/local/delete.ts';
import { doctor } from '../commands/local/doctor.ts';
import { gc } from '../commands/local/gc.ts';
import { installSkills } from '../commands/local/install-skills.ts';
import { kill } from '../commands/local/kill.ts';
import { list, ps } from '../commands/local/list.ts';
import { notifySet } from '../commands/local/notify-set.ts';
import { queueList } from '../commands/local/queue/list.ts';
import { queueSet } from '../commands/local/queue/set.ts';
import { restart } from '../commands/local/restart.ts';
import { run } from '../commands/local/run.ts';
import { schema } from '../commands/local/schema.ts';
import { selfUpdate } from '../commands/local/self-update.ts';
import { serveRoot } from '../commands/local/serve-root.ts';
import { start } from '../commands/local/start.ts';
import { status } from '../commands/local/status.ts';
import { tagSet } from '../commands/local/tag-set.ts';
import { tail } from '../commands/local/tail.ts';
import { wait } from '../commands/local/wait.ts';
import { watch } from '../commands/local/watch.ts';
import { mcp } from '../commands/served/mcp.ts';
import { serve } from '../commands/served/serve.ts';
import { contracts, type Door, type DoorEntry, type House } from './command.ts';

/** The door without a word: jobs of this machine. */
const local: Door = {
  name: '',
  summary: 'runs jobs and knows how every one of them ended',
  options: {
    root: {
      kind: 'text',
      value: 'PATH',
      help: 'jobs root (default: AGENT_EXEC_ROOT, else the data directory of the user)',
    },
    contract: {
      kind: 'text',
      value: 'VERSION',
      values: contracts,
      help: 'answer as this version did: 0.1.18 (default: KANADE_CONTRACT)',
    },
  },
  commands: [
    run,
    create,
    start,
    restart,
    status,
    wait,
    watch,
    tail,
    kill,
    list,
    ps,
    queueList,
    queueSet,
    tagSet,
    notifySet,
    deleteCommand,
    gc,
    serve,
    doctor,
    schema,
    completions,
    installSkills,
    selfUpdate,
    mcp,
  ],
  hidden: [serveRoot],
  aliases: { rm: 'delete' },
  notes: [],
  speaksToPeople: false,
  about: ({ root }) => `jobs root ${root}`,
};

const otherDoors: readonly DoorEntry[] = [
  {
    name: 'fleet',
    summary: 'order jobs on other machines over NATS',
    load: () => import('../commands/fleet/door.ts').then(({ fleet }) => fleet),
  },
  {
    name: 'outbox',
    summary: 'look into files of undelivered records, and repair them',
    load: () => import('../commands/outbox/door.ts').then(({ outbox }) => outbox),
  },
  {
    name: 'release-key',
    summary: 'make keys that releases are signed with',
    load: () => import('../commands/release-key/door.ts').then(({ releaseKeyDoor }) => releaseKeyDoor),
  },
];

/** All that can be called. */
export const house: House = {
  local,
  otherDoors,
  otherPrograms: [
    { name: 'agent', summary: 'the daemon that takes orders' },
    { name: 'client', summary: 'the Client App for the person at the machine' },
  ],
};
