import type { RequestHandler, Router } from 'express';
import { failure } from '../errors.ts';

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH';
const verbs = { GET: 'get', POST: 'post', PUT: 'put', PATCH: 'patch' } as const;

/** Serves one path; any other method there is METHOD_NOT_ALLOWED, with what is allowed in `Allow`. */
export function resource(
  router: Router,
  path: string,
  handlers: Readonly<Partial<Record<Method, RequestHandler>>>,
): void {
  const route = router.route(path);
  const methods = (Object.keys(verbs) as Method[]).filter((method) => handlers[method]);
  for (const method of methods) {
    const handler = handlers[method];
    if (handler) route[verbs[method]](handler);
  }
  const allowed = methods.flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method])).join(', ');
  route.all((request, response) => {
    response.setHeader('allow', allowed);
    throw failure('METHOD_NOT_ALLOWED', { method: request.method, path: request.baseUrl + request.path });
  });
}

/** A parameter of the path, as text. */
export const parameter = (request: Parameters<RequestHandler>[0], name: string): string => {
  const value = request.params[name];
  return typeof value === 'string' ? value : '';
};
