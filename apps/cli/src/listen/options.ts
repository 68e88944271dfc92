/** Where a door of this machine listens, as options say it. Nothing is loaded here: every call reads the table, few listen. */
import type { Options, OptionTable } from '../call/command.ts';

/** Options of a command that listens, on `port` where none is named. */
export const listenOptions = (port: number) =>
  ({
    bind: {
      kind: 'text',
      value: 'IP:PORT',
      help: `listen on this address, 127.0.0.1:${port} or [::1]:${port}; no names (default: 127.0.0.1:${port})`,
    },
    port: { kind: 'count', value: 'N', help: 'listen on this port of 127.0.0.1, 0 = any free one' },
    'token-file': {
      kind: 'text',
      value: 'PATH',
      help: 'file with the bearer token, mode 0600 (default: AGENT_EXEC_SERVE_TOKEN, else serve.token in the data directory, made at the first start)',
    },
    'tls-cert': { kind: 'text', value: 'PATH', help: 'certificate chain, PEM: speak TLS' },
    'tls-key': { kind: 'text', value: 'PATH', help: 'its private key, PEM' },
    insecure: {
      kind: 'flag',
      help: 'no token file and no TLS: AGENT_EXEC_SERVE_TOKEN alone protects; without it everybody on this machine may do everything',
    },
    'allow-origin': {
      kind: 'text',
      value: 'ORIGIN',
      help: 'pages of this origin may call, such as http://localhost:3000',
    },
    'address-file': {
      kind: 'text',
      value: 'PATH',
      help: 'write the URL to this file once it listens; removed at the end',
    },
  }) as const satisfies OptionTable;

export type ListenGiven = Partial<Options<ReturnType<typeof listenOptions>>>;
