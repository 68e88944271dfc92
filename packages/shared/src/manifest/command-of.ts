import type { Command } from '../fleet/command.ts';
import type { FinalizeCommand } from '../fleet/launch.ts';
import { parseHumantime } from '../scalar/duration.ts';
import { type Finalize, finalizeTimeout, type Manifest } from './manifest.ts';

/**
 * Lowers a manifest with an inline script to the command that runs it once. Times become whole seconds, at least 1; what
 * the agent does with the output (emit, check, collect) and afterwards (finalize) goes along.
 */
export function commandOf(manifest: Manifest, ids: { requestId: string; execId: string | null }): Command {
  const { execute, emit, check, collect, finalize } = manifest;
  return {
    id: manifest.id,
    version: manifest.version,
    request_id: ids.requestId,
    exec_id: ids.execId,
    shell: execute.shell,
    script: execute.script ?? '',
    ...(execute.script_object ? { script_object: execute.script_object } : {}),
    timeout_secs: wholeSeconds(execute.timeout),
    ...(execute.run_as ? { run_as: execute.run_as } : {}),
    ...(execute.cwd ? { cwd: execute.cwd } : {}),
    ...(manifest.staleness ? { staleness: manifest.staleness } : {}),
    ...(emit ? { emit } : {}),
    ...(check ? { check } : {}),
    ...(collect ? { collect } : {}),
    ...(finalize ? { finalize: finalizeOf(finalize) } : {}),
    ...(execute.bypass_local_limit ? { bypass_local_limit: true } : {}),
  };
}

function finalizeOf({ timeout, ...finalize }: Finalize): FinalizeCommand {
  return { ...finalize, timeout_secs: wholeSeconds(timeout ?? finalizeTimeout) };
}

function wholeSeconds(text: string): number {
  return Math.max(1, Math.ceil((parseHumantime(text) ?? 0) / 1000));
}
