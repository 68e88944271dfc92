import type { Refusal } from '../run/model.ts';

/** Why a script of the object store cannot be had. */
export interface ScriptFault {
  readonly kind: 'fault';
  readonly reason:
    | 'away'
    | 'no_store'
    | 'forbidden'
    | 'missing'
    | 'changed'
    | 'damaged'
    | 'too_large'
    | 'not_utf8'
    | 'no_room'
    | 'failed';
  /** What was said, where that tells more. */
  readonly detail?: string;
}

/** What happened, and what to do about it. */
const said: Readonly<Record<ScriptFault['reason'], string>> = {
  away: 'is not on this machine, and the broker cannot be reached: try again when it can',
  no_store: 'cannot be fetched, the broker has no object store for scripts: run "kanade fleet setup", then order again',
  forbidden:
    'cannot be fetched, the broker does not let this machine read scripts: renew its configuration (kanade fleet setup --print-server-config)',
  missing: 'is not stored any more: store it again (kanade fleet script put), then order again',
  changed: 'is another now than was ordered, it was stored again since: order the job again',
  damaged: 'is damaged on the broker: store it again (kanade fleet script put --replace), then order again',
  too_large: 'is larger than a script may be: store a smaller one',
  not_utf8: 'is no UTF-8: save it as UTF-8 and store it again',
  no_room:
    'has no room on this machine, where scripts of runs that wait fill the cache: order again when they have run',
  failed: 'cannot be fetched: order again when that is mended',
};

/** The words for people and results. */
export const faultText = (name: string, { reason, detail }: ScriptFault): string =>
  `script ${name} ${said[reason]}${detail === undefined ? '' : ` (${detail})`}`;

export const refusalOf = (name: string, fault: ScriptFault): Refusal => ({
  gate: 'no_exit_code',
  message: `not run: ${faultText(name, fault)}`,
});
