/** `kanade fleet …`: the operator's door to other machines. */
import type { Door } from '../../call/command.ts';
import { agentCurrent } from './agent/current.ts';
import { agentPublish } from './agent/publish.ts';
import { agentRemove } from './agent/remove.ts';
import { agentRollout } from './agent/rollout.ts';
import { agents } from './agents.ts';
import { audit } from './audit.ts';
import { collectGet } from './collect/get.ts';
import { collectList } from './collect/list.ts';
import { shownServer } from './connect.ts';
import { fleetDoctor } from './doctor.ts';
import { enrolServe } from './enrol/serve.ts';
import { tokenCreate, tokenList, tokenRevoke } from './enrol/tokens.ts';
import { events } from './events.ts';
import { results } from './history/results.ts';
import { show } from './history/show.ts';
import { jobList } from './job-list.ts';
import { jobPut } from './job-put.ts';
import { jobRemove } from './job-remove.ts';
import { keyCreate } from './key/create.ts';
import { keyList } from './key/list.ts';
import { keyRemove } from './key/remove.ts';
import { keyTrust } from './key/trust.ts';
import { notifyEdit, notifyRecall, notifySend, notifyStatus } from './notify/notify.ts';
import { cancel } from './orders/cancel.ts';
import { exec } from './orders/exec.ts';
import { fleetForget } from './orders/forget.ts';
import { fleetKill } from './orders/kill.ts';
import { fleetRun } from './orders/run.ts';
import { fleetWait } from './orders/wait.ts';
import { ping } from './ping.ts';
import { revoke, unrevoke } from './revoke.ts';
import { scriptList } from './script/list.ts';
import { scriptPut } from './script/put.ts';
import { scriptRemove } from './script/remove.ts';
import { configEffective, configGet, configSet, configUnset } from './settings/config.ts';
import { freezeClear, freezeSet, freezeStatus } from './settings/freeze.ts';
import { groupAdd, groupList, groupRemove, groupShow } from './settings/group.ts';
import { metaGet, metaRemove, metaSet } from './settings/meta.ts';
import { supportCodeList, supportCodeRemove, supportCodeSet } from './settings/support-code.ts';
import { setup } from './setup.ts';
import { fleetLogs } from './watch/logs.ts';
import { fleetTail } from './watch/tail.ts';

export const fleet: Door = {
  name: 'fleet',
  summary: 'orders jobs on other machines over NATS JetStream, and follows how they end',
  options: {
    server: {
      kind: 'text',
      value: 'URL',
      help: 'the broker (default: KANADE_NATS_URL, the connection file, nats://127.0.0.1:4222)',
    },
  },
  commands: [
    setup,
    fleetDoctor,
    jobPut,
    jobList,
    jobRemove,
    scriptPut,
    scriptList,
    scriptRemove,
    revoke,
    unrevoke,
    exec,
    fleetRun,
    fleetWait,
    fleetTail,
    results,
    show,
    collectList,
    collectGet,
    fleetKill,
    cancel,
    fleetForget,
    groupAdd,
    groupRemove,
    groupList,
    groupShow,
    metaGet,
    metaSet,
    metaRemove,
    configGet,
    configSet,
    configUnset,
    configEffective,
    freezeSet,
    freezeClear,
    freezeStatus,
    ping,
    agents,
    agentCurrent,
    agentPublish,
    agentRollout,
    agentRemove,
    fleetLogs,
    notifySend,
    notifyEdit,
    notifyRecall,
    notifyStatus,
    supportCodeSet,
    supportCodeList,
    supportCodeRemove,
    events,
    audit,
    keyCreate,
    keyList,
    keyTrust,
    keyRemove,
    tokenCreate,
    tokenList,
    tokenRevoke,
    enrolServe,
  ],
  aliases: {},
  notes: [
    'Credentials never stand on the command line. They come from KANADE_NATS_TOKEN, KANADE_NATS_USER and KANADE_NATS_PASSWORD, KANADE_NATS_CREDS or KANADE_NATS_NKEY (files), with KANADE_NATS_CA, KANADE_NATS_CERT and KANADE_NATS_KEY for TLS, or from the connection file: KANADE_NATS_CONFIG, else ~/.config/kanade/operator.yaml (root: /etc/kanade/operator.yaml). Files with secrets must be for their owner alone (mode 0600).',
  ],
  speaksToPeople: true,
  about: (context) => `broker ${shownServer(context)}`,
};
