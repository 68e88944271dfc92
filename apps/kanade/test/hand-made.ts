/** Job directories written by hand, as another version, or another program, may have left them. */
import { mkdirSync, writeFileSync } from 'node:fs';

export interface HandMade {
  readonly state?: string;
  /** Default: long ago. */
  readonly finishedAt?: string;
  readonly startedAt?: string;
  readonly cwd?: string;
  readonly tags?: readonly string[];
  readonly pid?: number;
  /** Bytes of output. */
  readonly bytes?: number;
}

const longAgo = '2020-01-01T00:00:00Z';

const ended = ['exited', 'killed', 'failed'];

/** Only what readers may count on (contract, sections 2.5 and 2.6). */
export function makeByHand(root: string, id: string, made: HandMade = {}): void {
  const { state = 'exited', finishedAt = longAgo, startedAt = longAgo, cwd, tags, pid, bytes = 0 } = made;
  const path = `${root}/${id}`;
  mkdirSync(path, { recursive: true });
  const meta = {
    job: { id },
    schema_version: '0.1',
    command: ['echo', id],
    created_at: startedAt,
    root,
    env_keys: [],
    ...(cwd === undefined ? {} : { cwd }),
    ...(tags === undefined ? {} : { tags }),
  };
  writeFileSync(`${path}/meta.json`, JSON.stringify(meta));
  for (const log of ['stdout', 'stderr', 'full'])
    writeFileSync(`${path}/${log}.log`, log === 'stdout' ? 'x'.repeat(bytes) : '');
  const isEnded = ended.includes(state);
  const document = {
    job: { id, status: state, ...(state === 'created' ? {} : { started_at: startedAt }) },
    result: { exit_code: state === 'exited' ? 0 : null, signal: state === 'killed' ? '15' : null, duration_ms: null },
    ...(pid === undefined ? {} : { pid }),
    ...(isEnded ? { finished_at: finishedAt } : {}),
    updated_at: isEnded ? finishedAt : startedAt,
  };
  writeFileSync(`${path}/state.json`, JSON.stringify(document));
}
