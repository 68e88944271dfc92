import { SocketError } from './error.ts';

const windowsPipePrefix = '\\\\.\\pipe\\';

/** Where the agent listens: `/run/kanade/agent.sock` on Linux, `/var/run/kanade/agent.sock` on macOS, a named pipe on Windows. */
export function defaultAddress(platform: NodeJS.Platform = process.platform): string {
  if (platform === 'win32') return `${windowsPipePrefix}kanade-agent`;
  return platform === 'darwin' ? '/var/run/kanade/agent.sock' : '/run/kanade/agent.sock';
}

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
