/** What `kanade mcp` loads on demand, on either of its two ways. */
export { serveOnHttp } from './http.ts';
export { serveOnStdio } from './stdio.ts';
