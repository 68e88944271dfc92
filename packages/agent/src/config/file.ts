/** The configuration file of an agent: which one counts, and whether it may be relied upon. */
import { lstatSync } from 'node:fs';
import { resolve } from 'node:path';
import { lookGuarded } from '@kanade/durable/files';
import { agentConfigFile } from '@kanade/shared/local-words';
import { limits } from '../limits.ts';
import { faultOnWay } from '../store/ownership.ts';
import type { ConfigDocument } from './document.ts';
import type { Surroundings } from './surroundings.ts';

export interface ConfigFile extends ConfigDocument {
  /** Absolute. */
  readonly path: string;
}

/**
 * Reads the file that is named by `--config`, else by `KANADE_AGENT_CONFIG`, else the one of the system or the user if it is there;
 * undefined when there is none. Whatever is wrong with it is among its faults: one that cannot be relied upon is not read.
 */
export async function readAgentToml(
  named: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
  around: Surroundings,
): Promise<ConfigFile | undefined> {
  const chosen = named ?? (env.KANADE_AGENT_CONFIG || undefined);
  const path = resolve(around.cwd, chosen ?? agentConfigFile(env, around));
  const refused = (message: string): ConfigFile => ({ path, values: new Map(), faults: [{ message }], notes: [] });
  const found = lookGuarded(path, { guard: 'public', bytesMax: limits.configFileBytesMax });
  if (!found.ok)
    return found.fault === 'missing' && chosen === undefined && !isThere(path) ? undefined : refused(found.why);
  const theirs = faultOnWay(path, { isOwn: false });
  if (theirs !== undefined) return refused(theirs);
  // The parser is loaded where there is something to parse.
  const { readDocument } = await import('./document.ts');
  const system = { host: around.hostName, os: process.platform, arch: process.arch, user: around.user };
  return { path, ...readDocument(found.bytes, { env, system }) };
}

/** A link that leads nowhere is a file that went, not a machine that has none. */
function isThere(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return true;
  }
}
