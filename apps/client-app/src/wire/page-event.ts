import type { UserInvokableJob } from '@kanade/shared/local';

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

/** Body of every answer of the API that is not a success. `code` is stable, `message` may change. */
export interface ApiRefusal {
  readonly error: { readonly code: string; readonly message: string };
}

/** What the agent can do beyond jobs and state; what it cannot has no place on the page. */
export interface AgentOffers {
  readonly notifications: boolean;
  /** Support codes. */
  readonly support: boolean;
  readonly log: boolean;
  readonly diagnostics: boolean;
}

/** What the reader says of what is wrong. */
export interface DiagnosticsWords {
  readonly summary: string;
  readonly detail: string;
  readonly contact: string;
}

/** Lines of the agent's log, the newest last; `truncated` when there are more than it gives. */
export interface AgentLog {
  readonly lines: readonly string[];
  readonly truncated: boolean;
}

/** The catalogue; `offline` while what the fleet said of it may be out of date, and `as_of` when it was last known to be right, if ever. */
export interface JobsOffered {
  readonly items: readonly UserInvokableJob[];
  readonly offline?: boolean | undefined;
  readonly as_of?: string | undefined;
}
