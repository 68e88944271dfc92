import { createHash } from 'node:crypto';
import { join } from 'node:path';

export interface InstanceSurroundings {
  readonly platform: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly uid: number | undefined;
  readonly temporary: string;
}

/**
 * Where the Client App of a person answers others that are started for the same agent; undefined on Windows, where nothing says who is at the
 * other end of a pipe. Below the runtime directory of the person, which the system makes anew at each login, else below the one for
 * temporary files, under the person's number.
 */
export function instancePath(
  agentAddress: string,
  { platform, env, uid, temporary }: InstanceSurroundings,
): string | undefined {
  if (platform === 'win32' || uid === undefined) return undefined;
  const name = `client-${createHash('sha256').update(agentAddress).digest('hex').slice(0, 12)}`;
  return env.XDG_RUNTIME_DIR ? join(env.XDG_RUNTIME_DIR, 'kanade', name) : join(temporary, `kanade-${uid}`, name);
}
