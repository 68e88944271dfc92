import { once } from 'node:events';
import { createConnection } from 'node:net';

/** What a broker says of itself before anybody has said who they are. */
export interface BrokerGreeting {
  readonly version: string;
  /** It wants a client certificate. */
  readonly wantsCertificate: boolean;
}

/** Longest greeting, in bytes; a cluster names its servers there. */
const greetingBytesMax = 64 * 1024;

/** Reads the greeting of a server without logging in. Undefined when none comes in time, or what comes is none. */
export async function peekBroker(server: string, timeoutMs: number): Promise<BrokerGreeting | undefined> {
  const { hostname, port } = new URL(server);
  const socket = createConnection({ host: hostname.replaceAll(/[[\]]/g, ''), port: Number(port) });
  const timer = setTimeout(() => socket.destroy(), timeoutMs);
  try {
    await once(socket, 'connect');
    let text = '';
    for await (const chunk of socket.setEncoding('latin1')) {
      text += chunk;
      if (text.includes('\n') || text.length > greetingBytesMax) break;
    }
    const info = JSON.parse(/^INFO (\{.*\})\s*$/m.exec(text)?.[1] ?? '') as Record<string, unknown>;
    return { version: String(info.version), wantsCertificate: info.tls_verify === true };
  } catch {
    return undefined;
  } finally {
    clearTimeout(timer);
    socket.destroy();
  }
}
