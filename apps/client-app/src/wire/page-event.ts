import type { StateSnapshot } from '@kanade/shared/local';
import type { ProgressEvent, RunView } from '../run/run.ts';

/**
 * Where the line to the agent stands.
 * `connecting`: first attempts. `connected`: handshake done. `away`: it was there, or never was; attempts go on.
 * `refused`: the agent does not want this user or speaks another protocol; no further attempts. `closed`: we hung up.
 */
export type AgentConnection =
  | { readonly phase: 'connecting' | 'closed' }
  | { readonly phase: 'connected'; readonly agent: AgentIdentity }
  | { readonly phase: 'away' | 'refused'; readonly detail: string };

/** What the handshake told about the other side and about us. */
export interface AgentIdentity {
  readonly version: string;
  readonly pcId: string;
  readonly user: string;
  /** The product's name as the operators set it. */
  readonly displayName?: string;
}

/** One message of `GET /api/events`. The first after connecting is `all`; the others change what it said. */
export type PageEvent =
  | ({ readonly type: 'all' } & BoardView)
  | { readonly type: 'connection'; readonly connection: AgentConnection }
  | { readonly type: 'snapshot'; readonly snapshot: StateSnapshot }
  | ProgressEvent
  | { readonly type: 'stopping'; readonly run_id: string };

/** Everything the page shows that is not the catalogue. */
export interface BoardView {
  readonly connection: AgentConnection;
  readonly snapshot?: StateSnapshot;
  readonly runs: readonly RunView[];
}

/** Body of every answer of the API that is not a success. `code` is stable, `message` may change. */
export interface ApiRefusal {
  readonly error: { readonly code: string; readonly message: string };
}
