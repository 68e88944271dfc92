/** Answers as 0.1.18 printed them: the part of `--contract 0.1.18` that is loaded on demand. */
import type { GcResponse, LegacyGcEntry, RunResponse, TailResponse } from '@kanade/shared/job';
import {
  toLegacyDelete,
  toLegacyError,
  toLegacyGc,
  toLegacyInstallSkills,
  toLegacyKill,
  toLegacyLaunch,
  toLegacyList,
  toLegacyStatus,
  toLegacyTail,
  toLegacyWait,
} from '@kanade/shared/job-legacy';
import type { Document } from './answer.ts';

/** What `run`, `start`, `restart` and `gc` add to their answer, under this key, for the older shape alone. */
interface LegacyExtra {
  readonly legacy?: {
    readonly waited?: boolean;
    readonly tails?: TailResponse;
    readonly jobs?: readonly LegacyGcEntry[];
  };
}

const launched = ({ legacy, ...response }: RunResponse & LegacyExtra) =>
  toLegacyLaunch(response, {
    waited: legacy?.waited ?? false,
    ...(legacy?.tails === undefined ? {} : { tails: legacy.tails }),
  });

type Renderer = (response: never) => object;

const renderers: Readonly<Record<string, Renderer>> = {
  run: launched,
  start: launched,
  restart: launched,
  status: toLegacyStatus,
  tail: toLegacyTail,
  wait: toLegacyWait,
  kill: toLegacyKill,
  list: toLegacyList,
  delete: toLegacyDelete,
  gc: ({ legacy, ...response }: GcResponse & LegacyExtra) => toLegacyGc(response, legacy?.jobs ?? []),
  install_skills: toLegacyInstallSkills,
  error: toLegacyError,
};

/** The document in its older shape; what 0.1.18 did not have stays as it is. */
export function legacyOf(document: Document): object {
  const render = renderers[String(document.type)];
  return render ? render(document as never) : document;
}
