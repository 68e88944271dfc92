import type { Manifest } from './manifest.ts';
import { isShown, tierOf } from './manifest.ts';

/**
 * Something in a manifest that is not carried out yet, so that the job is refused where it would be left out in silence:
 *
 * | `refusedTo`  | who is refused                                                                               |
 * |--------------|----------------------------------------------------------------------------------------------|
 * | `people`     | the person at the machine: the job is not offered and cannot be started; operators can order it |
 * | `everybody`  | operators, too                                                                               |
 * | `machines`   | the person, and each machine that runs this version refuses the order with a result          |
 * | `nobody`     | it runs; what it prints stands in the result, and nothing here makes more of it              |
 */
export interface Unserved {
  /** The key of the manifest. */
  readonly path: string;
  readonly refusedTo: 'people' | 'everybody' | 'machines' | 'nobody';
  /** Why, to be read after the path. */
  readonly reason: string;
}

/** What a manifest asks for that is not carried out yet, in the order of the manifest. */
export function unservedIn(manifest: Manifest): Unserved[] {
  const { client, require_approval, execute } = manifest;
  const found: Unserved[] = [];
  const note = (path: string, refusedTo: Unserved['refusedTo'], reason: string): void => {
    found.push({ path, refusedTo, reason });
  };
  if (require_approval === true) note('require_approval', 'everybody', 'nobody can be asked for an approval yet');
  const tier = tierOf(manifest);
  if (tier !== 'endpoint') {
    const path = manifest.tier === undefined ? 'feed' : 'tier';
    note(path, 'everybody', `a job of tier ${tier} runs on controllers only, and no machine is one yet`);
  }
  if (client?.unlock !== undefined) {
    note('client.unlock', 'people', `support codes cannot be entered yet, so nobody opens ${client.unlock}`);
  }
  // Checks are not run yet: for every one of them it is true that it never ran.
  if (client?.show_when && !isShown(client.show_when, undefined)) {
    note('client.show_when', 'people', `the check ${client.show_when.check} has not run: checks are not run yet`);
  }
  if (execute.script_object) note('execute.script_object', 'machines', 'script objects cannot be fetched yet');
  for (const block of ['emit', 'check', 'collect', 'finalize'] as const) {
    if (manifest[block] !== undefined) note(block, 'machines', 'this is not carried out yet');
  }
  for (const block of ['inventory', 'aggregate'] as const) {
    if (manifest[block] !== undefined)
      note(block, 'nobody', 'what the job prints stands in its result; no table is made of it');
  }
  return found;
}
