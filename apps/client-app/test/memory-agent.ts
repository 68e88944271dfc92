import type { JobProgress, UserInvokableJob } from '@kanade/shared/local';
import type { Board } from '../src/run/board.ts';
import { type AgentLink, LinkError } from '../src/server/link.ts';

/** An agent in memory: offers the jobs it is given, records what it is asked, and says what the test tells it to say. */
export interface MemoryAgent extends AgentLink {
  /** What was asked, in order: `execute disk-report`, `kill run-1`. */
  readonly calls: string[];
  jobs: readonly UserInvokableJob[];
  connect(board: Board): void;
  lose(board: Board, detail: string): void;
  push(board: Board, progress: JobProgress): void;
}

export function createMemoryAgent(jobs: readonly UserInvokableJob[]): MemoryAgent {
  const calls: string[] = [];
  let isThere = false;
  let runCount = 0;
  const need = (): void => {
    if (!isThere) throw new LinkError('away', 'no agent');
  };
  return {
    calls,
    jobs,
    connect(board) {
      isThere = true;
      const agent = { version: '0.1.0', pcId: 'desk-042', user: 'yuki' };
      board.receive({ type: 'connection', connection: { phase: 'connected', agent } });
      const snapshot = {
        pc_id: 'desk-042',
        online: false,
        checks: [],
        agent_version: '0.1.0',
        target_version: '0.1.0',
      };
      board.receive({ type: 'snapshot', snapshot });
    },
    lose(board, detail) {
      isThere = false;
      board.receive({ type: 'connection', connection: { phase: 'away', detail } });
    },
    push: (board, progress) => board.receive({ type: 'progress', progress }),
    async listJobs() {
      need();
      return this.jobs;
    },
    async execute(jobId) {
      need();
      if (!this.jobs.some((job) => job.id === jobId)) throw new LinkError('not_found', `no job ${jobId}`);
      calls.push(`execute ${jobId}`);
      runCount += 1;
      return { run_id: `run-${runCount}` };
    },
    async kill(runId) {
      need();
      calls.push(`kill ${runId}`);
    },
  };
}

export const exampleJobs: readonly UserInvokableJob[] = [
  {
    id: 'disk-report',
    display_name: 'Disk report',
    display_description: 'Shows how full each file system is.',
    icon: 'hard-drive',
    category: 'troubleshoot',
    version: '1.0.0',
  },
  {
    id: 'network-check',
    display_name: 'Network check',
    display_description: 'Looks at addresses, gateway and name lookup, and says what is missing.',
    icon: 'network',
    category: 'troubleshoot',
    version: '1.0.0',
    confirm: { enabled: false },
  },
  {
    id: 'clear-thumbnails',
    display_name: 'Clear the thumbnail cache',
    display_description: 'Removes the previews of pictures; they come back when you look at a folder.',
    icon: 'trash',
    category: 'tidy',
    category_label: 'Tidy up',
    category_icon: 'shield',
    category_order: 25,
    version: '1.0.0',
    confirm: { enabled: true, message: 'All picture previews of your account are removed.' },
  },
  {
    id: 'package-updates',
    display_name: 'Pending updates',
    icon: 'refresh-cw',
    category: 'software_update',
    version: '1.0.0',
  },
];
