/* Addresses of this system's local sockets, and what can be wrong with one. */
/** Bytes a socket path may have: 107 on Linux, 103 on macOS (sun_path less its final zero), 256 characters for a Windows pipe. */
export function addressBytesMax(platform: NodeJS.Platform = process.platform): number {
  if (platform === 'win32') return 256;
  return platform === 'darwin' ? 103 : 107;
}

/** Throws `address_too_long`, which the operating system would answer by silently cutting the path. */
export function checkAddress(path: string, platform: NodeJS.Platform = process.platform): void {
  const bytes = Buffer.byteLength(path);
  const maximum = addressBytesMax(platform);
  if (bytes > 0 && bytes <= maximum) return;
  throw new SocketError('address_too_long', path, {
    message: `use a socket path: ${bytes} bytes, allowed 1 to ${maximum}; choose a shorter path: ${path}`,
  });
}

export type SocketErrorCode =
  /** The path does not fit into a socket address. */
  | 'address_too_long'
  /** A live server listens there. */
  | 'address_in_use'
  /** Something that is not a socket is there, or the directory is not safe. */
  | 'address_unsafe'
  /** The operating system's word on who connects cannot be had here; without it nothing is served. */
  | 'peer_identity_unavailable'
  /** Nothing exists at the address. */
  | 'server_absent'
  /** The socket exists, its server does not run. */
  | 'server_stopped'
  /** Another user serves the socket, owns it, or could have put it where it is. */
  | 'server_untrusted'
  | 'permission_denied'
  | 'timed_out'
  | 'io_failed';

/** Could not listen or dial. Switch on `code`; messages may change. */
export class SocketError extends Error {
  override readonly name = 'SocketError';
  readonly code: SocketErrorCode;
  readonly path: string;

  constructor(code: SocketErrorCode, path: string, options: { message: string; cause?: unknown }) {
    super(options.message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.path = path;
  }
}

const osErrors: Record<string, { code: SocketErrorCode; advice: string }> = {
  ENOENT: { code: 'server_absent', advice: 'nothing is there; start the server' },
  ECONNREFUSED: { code: 'server_stopped', advice: 'the socket was left by a server that is gone; start it again' },
  EACCES: { code: 'permission_denied', advice: 'not allowed; check the modes of the socket and of its directory' },
  EPERM: { code: 'permission_denied', advice: 'not allowed; check the modes of the socket and of its directory' },
  EADDRINUSE: { code: 'address_in_use', advice: 'taken; stop the other server or choose another path' },
};

/** Translates an error of the operating system; `attempt` says what was tried, as in "dial". */
export function translateOsError(cause: unknown, { attempt, path }: { attempt: string; path: string }): SocketError {
  if (cause instanceof SocketError) return cause;
  const errno = osErrorCode(cause);
  const row = osErrors[errno] ?? { code: 'io_failed' as const, advice: errno };
  return new SocketError(row.code, path, { message: `${attempt}: ${path}: ${row.advice}`, cause });
}

/** The name the operating system gave an error, as in `ENOENT`; the message when it gave none. */
export function osErrorCode(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return 'code' in error && typeof error.code === 'string' ? error.code : error.message;
}
