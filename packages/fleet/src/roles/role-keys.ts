import { join } from 'node:path';
import { writePrivateFile } from '@kanade/durable/files';
import { nkeys } from '@nats-io/transport-node';
import { readGuarded } from '../connection/guarded-file.ts';
import { seedIn } from '../connection/identity.ts';
import { openPrivateDir } from '../keys/private-file.ts';
import type { Role } from './permissions.ts';
import type { MachineRole, RoleUser } from './server-config.ts';

/** What became of the keys of a fleet. */
export interface RoleKeys {
  readonly users: readonly RoleUser[];
  /** How many seeds were made; the others were there. */
  readonly made: number;
}

/**
 * An NKey for each role and machine below `dir` (0700): `operator.nk`, `read-only.nk`, `break-glass.nk`, `agents/<pc>.nk` (0600).
 * Those that are there are used again. Throws FleetError for files and directories that others could read or change.
 */
export function openRoleKeys(dir: string, machines: readonly MachineRole[]): RoleKeys {
  openPrivateDir(dir);
  const agents = join(dir, 'agents');
  openPrivateDir(agents);
  let made = 0;
  const userOf = (path: string): string => {
    if (writePrivateFile(path, `${newSeed()}\n`)) made++;
    const seed = seedIn(path, readGuarded(path, 'the NKey file', 'secret'));
    return nkeys.fromSeed(seed).getPublicKey();
  };
  const roles = (['operator', 'read-only', 'break-glass'] as const).map((kind) => ({
    role: { kind },
    user: userOf(join(dir, `${kind}.nk`)),
  }));
  const users = machines.map(({ pc, groups }) => {
    const role: Role = { kind: 'agent', pc, groups };
    return { role, user: userOf(join(agents, `${pc}.nk`)) };
  });
  return { users: [...roles, ...users], made };
}

const newSeed = (): string => new TextDecoder().decode(nkeys.createUser().getSeed());
