/** Least privilege on a broker: the users of a fleet, their keys, and what each may say and hear. */
export { permissionsOf, type Role } from './roles/permissions.ts';
export { openRoleKeys, type RoleKeys } from './roles/role-keys.ts';
export { type MachineRole, parseMachines, type RoleUser, serverConfig } from './roles/server-config.ts';
