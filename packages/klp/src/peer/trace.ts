/** One frame as it was read or queued. */
export interface TraceEntry {
  readonly direction: 'in' | 'out';
  /** The body as it stands on the wire, secrets and all; undefined when it was not UTF-8. */
  readonly body: string | undefined;
}

/** Sees every frame of a connection. Must not throw. */
export type OnTrace = (entry: TraceEntry) => void;
