import { isToken } from '@kanade/shared/fleet-words';
import { FleetError } from '../fault/fleet-error.ts';
import { type Permissions, permissionsOf, type Role } from './permissions.ts';

/** A machine, and the groups whose orders it may hear; without groups those of every group. */
export interface MachineRole {
  readonly pc: string;
  readonly groups?: readonly string[];
}

/** A user of the broker: its role, and the public half of its NKey. */
export interface RoleUser {
  readonly role: Role;
  readonly user: string;
}

/** Most machines of one configuration. */
const machinesMax = 20_000;

/**
 * Reads a list of machines: one a line, `pc` or `pc: group, group`; `#` begins a comment. Throws FleetError `invalid_id` with
 * the line. An id with a dot cannot be told from others by a broker, and is refused.
 */
export function parseMachines(text: string): MachineRole[] {
  const found = new Map<string, MachineRole>();
  for (const [at, line] of text.split(/\r?\n/).entries()) {
    const [before = ''] = line.split('#');
    const [pc = '', groups] = before.split(':').map((part) => part.trim());
    if (pc === '') continue;
    const names = groups?.split(/[\s,]+/).filter(Boolean);
    for (const id of [pc, ...(names ?? [])]) checkName(id, `line ${at + 1}`);
    found.set(pc, names ? { pc, groups: names } : { pc });
  }
  if (found.size > machinesMax) throw new FleetError('too_large', `at most ${machinesMax} machines: ${found.size}`);
  return [...found.values()];
}

function checkName(id: string, where: string): void {
  if (isToken(id) && !id.includes('.')) return;
  const why = id.includes('.')
    ? 'a broker cannot tell an id with a dot from the job of another machine'
    : 'it must be A-Z a-z 0-9 _ -';
  throw new FleetError('invalid_id', `${where}: ${JSON.stringify(id)} cannot have permissions of its own: ${why}`);
}

const head = `# Users of the broker for kanade: who may say and hear what. Everything else is refused.
# Written by "kanade fleet setup --print-server-config"; holds no secret. Take it into the server's own configuration:
#
#   jetstream { store_dir: "/var/lib/nats" }
#   include "kanade-users.conf"
#
# What a broker cannot hold apart, because the subjects do not: an agent may publish results for any order (machine and result
# id stand inside), may overwrite objects of result_output, and hears which orders are killed. Without groups behind a machine's
# id it hears the orders of every group. Signed orders (kanade fleet key) do not depend on any of this.
`;

/** The users as part of a nats-server configuration, for 2.9 and later. */
export function serverConfig(users: readonly RoleUser[]): string {
  const lines = users.map(({ role, user }) => {
    const named = role.kind === 'agent' ? `agent ${role.pc}` : role.kind;
    return `    # ${named}\n    { nkey: ${user}, permissions: ${permissionsText(permissionsOf(role, `_INBOX.${user}`))} }`;
  });
  return `${head}authorization {\n  users = [\n${lines.join('\n')}\n  ]\n}\n`;
}

function permissionsText({ publish, subscribe, mayAnswer }: Permissions): string {
  const list = (subjects: readonly string[]): string =>
    `[${subjects.map((subject) => JSON.stringify(subject)).join(', ')}]`;
  const answer = mayAnswer ? ', allow_responses: true' : '';
  return `{ publish: { allow: ${list(publish)} }, subscribe: { allow: ${list(subscribe)} }${answer} }`;
}
