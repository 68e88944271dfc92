import type {
  JobProgress,
  LocalNotification,
  StateSnapshot,
  UnlockGrant,
  UserInvokableJob,
} from '@kanade/shared/local';
import type { AgentEvent, Board } from '../src/run/board.ts';
import { type AgentLink, LinkError, type LinkErrorCode } from '../src/server/link.ts';
import type { AgentOffers, JobsOffered } from '../src/wire/page-event.ts';

/** An agent in memory: offers what it is given, records what it is asked, and says what the test tells it to say. */
export interface MemoryAgent extends AgentLink {
  /** What was asked, in order: `execute disk-report`, `kill run-1`. */
  readonly calls: string[];
  jobs: readonly UserInvokableJob[];
  /** How old the list is; current unless said. */
  age: Pick<JobsOffered, 'offline' | 'as_of'>;
  /** What it can do beyond jobs and state; an agent of today can do nothing of it. */
  offers: AgentOffers;
  notices: readonly LocalNotification[];
  snapshot: StateSnapshot;
  logLines: readonly string[];
  /** What it would send, by name. */
  diagnostics: Readonly<Record<string, string>>;
  /** How it answers who sends. */
  sending: 'sent' | 'queued' | LinkErrorCode;
  /** Support code → what it opens; jobs with that `unlock` appear with it. */
  codes: Readonly<Record<string, UnlockGrant>>;
  /** `<run id>/<stream>` → what the disk holds of it, ASCII; an agent that cannot say so holds none. */
  outputs: Readonly<Record<string, string>>;
  connect(board: Board): void;
  lose(board: Board, detail: string): void;
  push(board: Board, progress: JobProgress): void;
  tell(board: Board, event: AgentEvent): void;
}

export const noOffers: AgentOffers = { notifications: false, support: false, log: false, diagnostics: false };

export function createMemoryAgent(jobs: readonly UserInvokableJob[]): MemoryAgent {
  const calls: string[] = [];
  let isThere = false;
  let runCount = 0;
  let grants: readonly UnlockGrant[] = [];
  const need = (): void => {
    if (!isThere) throw new LinkError('away', 'no agent');
  };
  return {
    calls,
    jobs,
    age: {},
    offers: noOffers,
    notices: [],
    logLines: [],
    codes: {},
    diagnostics: {},
    sending: 'sent',
    outputs: {},
    snapshot: { pc_id: 'desk-042', online: false, checks: [], agent_version: '0.1.0', target_version: '0.1.0' },
    connect(board) {
      isThere = true;
      const agent = { version: '0.1.0', pcId: 'desk-042', user: 'yuki' };
      board.receive({ type: 'snapshot', snapshot: this.snapshot });
      board.receive({ type: 'offers', offers: this.offers, notices: this.notices, grants });
      board.receive({ type: 'connection', connection: { phase: 'connected', agent } });
    },
    lose(board, detail) {
      isThere = false;
      board.receive({ type: 'connection', connection: { phase: 'away', detail } });
    },
    push: (board, progress) => board.receive({ type: 'progress', progress }),
    tell: (board, event) => board.receive(event),
    async listJobs() {
      need();
      const isOpen = (scope: string): boolean => grants.some((grant) => grant.scope === scope);
      return { items: this.jobs.filter(({ unlock }) => unlock === undefined || isOpen(unlock)), ...this.age };
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
    async readOutput({ run_id, stream, from = 0 }) {
      need();
      const text = this.outputs[`${run_id}/${stream}`];
      if (text === undefined) throw new LinkError('invalid', 'no such method');
      const to = Math.min(from + 128 * 1024, text.length);
      return { text: text.slice(from, to), from, to, total_bytes: text.length, ended: true };
    },
    async acknowledge(id) {
      need();
      calls.push(`ack ${id}`);
      return { acked_at: new Date().toISOString() };
    },
    async withdraw(id) {
      need();
      calls.push(`unack ${id}`);
    },
    async unlock(code) {
      need();
      calls.push('unlock');
      const grant = Object.hasOwn(this.codes, code) ? this.codes[code] : undefined;
      if (!grant) throw new LinkError('not_allowed', 'no');
      grants = [grant];
      return grants;
    },
    async lock() {
      need();
      calls.push('lock');
      grants = [];
    },
    async previewDiagnostics(words) {
      need();
      calls.push(`preview ${JSON.stringify(words)}`);
      const files = Object.entries({ 'message.txt': words.summary, ...this.diagnostics }).map(([name, text]) => ({
        name,
        text,
        size_bytes: Buffer.byteLength(text),
      }));
      const size_bytes = files.reduce((sum, file) => sum + file.size_bytes, 0);
      return { preview: 'p-1', expires_at: new Date(Date.now() + 900_000).toISOString(), files, size_bytes };
    },
    async sendDiagnostics(preview) {
      need();
      calls.push(`send ${preview}`);
      if (this.sending !== 'sent' && this.sending !== 'queued') throw new LinkError(this.sending, 'no');
      const queued = this.sending === 'queued' ? { queued: true } : {};
      return { object_key: 'desk-042/support.diagnostics/t.zip', size_bytes: 10, ...queued };
    },
    async readLog() {
      need();
      return { lines: this.logLines, truncated: false };
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
