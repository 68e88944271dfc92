/** What an order says is to be done when its run has succeeded: runs of their own, one for all that was collected or one for each bundle. */
import { randomUUID } from 'node:crypto';
import { finalizeDefaults, finalizeOf } from '@kanade/shared/fleet';
import { limits } from '../limits.ts';
import type { Aftermath, Bundle, Outcome, Run } from './model.ts';

/** The runs that end this one; none unless it succeeded. Kept with its end, they belong to nobody who could have started them. */
export function finalizersOf(run: Run, outcome: Outcome, aftermath: Aftermath | undefined): Run[] {
  const ending = outcome.kind === 'job' ? outcome.state?.ending : undefined;
  const { finalize, collect } = run.command;
  if (!finalize || ending?.kind !== 'exited' || ending.exitCode !== 0) return [];
  const bundles = aftermath?.bundles ?? [];
  const { on_each_bundle = finalizeDefaults.on_each_bundle } = finalize;
  const each = on_each_bundle ? bundles.map((bundle) => [bundle]) : [bundles];
  return each.map((some) => finalizerOf(run, collect ? { KANADE_COLLECT_RESULT: collectResult(some) } : {}));
}

function finalizerOf(run: Run, env: Readonly<Record<string, string>>): Run {
  const { runId, pcId, requestId, execId, origin, command } = run;
  const { id, version, request_id, exec_id } = command;
  const { shell, script, timeout_secs, run_as = finalizeDefaults.run_as, cwd } = command.finalize as Finalize;
  return {
    runId: randomUUID(),
    pcId,
    requestId,
    execId,
    origin,
    owner: null,
    command: { id: finalizeOf(id), version, request_id, exec_id, shell, script, timeout_secs, run_as, cwd },
    parentId: runId,
    env,
  };
}

type Finalize = NonNullable<Run['command']['finalize']>;

/** What the script reads of the collection. Where that is more than a variable can hold, it says how many files there were. */
function collectResult(bundles: readonly Bundle[]): string {
  const ok = bundles.length > 0 && bundles.every(({ uploaded }) => uploaded);
  const told = JSON.stringify({ ok, bundles: bundles.map(({ key, uploaded, files }) => ({ key, uploaded, files })) });
  if (Buffer.byteLength(told) <= limits.collectResultBytesMax) return told;
  const counted = bundles.map(({ key, uploaded, files }) => ({
    key,
    uploaded,
    files: [],
    files_left_out: files.length,
  }));
  return JSON.stringify({ ok, bundles: counted });
}
