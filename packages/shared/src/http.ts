/** The HTTP door (`kanade serve`): its routes, what they take, and the document that says so. */
export { openApiDocument } from './http/open-api.ts';
export { readHttpBody, readHttpQuery } from './http/request.ts';
export { type HttpBody, type HttpQuery, type HttpRoute, type HttpRouteName, httpRoutes } from './http/routes.ts';
export type { Fault } from './scalar/strict.ts';
