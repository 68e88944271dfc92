import type { IncomingHttpHeaders } from 'node:http';
import { type Answer, refuse } from './answer.ts';

/** The refusal of a request that does not come from our own page; undefined when it may go on. */
export function checkOrigin(headers: IncomingHttpHeaders, port: number): Answer | undefined {
  const hosts = [`127.0.0.1:${port}`, `localhost:${port}`];
  // A name that some other site resolves to 127.0.0.1 (DNS rebinding) still arrives with that name in Host.
  if (headers.host === undefined || !hosts.includes(headers.host)) {
    return refuse(403, 'foreign_host', `refused a request for another host: use http://127.0.0.1:${port}/`);
  }
  if (headers.origin !== undefined && headers.origin !== `http://${headers.host}`) {
    return refuse(403, 'foreign_origin', 'refused a request from another site');
  }
  return undefined;
}

/** The key in `Authorization: Bearer <key>`; undefined when there is none. */
export function bearerKey(headers: IncomingHttpHeaders): string | undefined {
  return /^Bearer ([A-Za-z0-9_-]{1,128})$/.exec(headers.authorization ?? '')?.[1];
}

/** Headers of every answer: nothing is cached, nothing is loaded from elsewhere, nobody may frame us. */
export const securityHeaders: Readonly<Record<string, string>> = {
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "connect-src 'self'",
    "img-src 'self' data:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
};
