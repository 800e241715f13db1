import { Router, type Request, type Response } from 'express';
import { failure } from '../errors.ts';
import type { Daemon } from '../supervisor/api.ts';
import { parameter, resource } from './resource.ts';

/**
 * Pings of jobs, as healthchecks.io has them: `/ping/TOKEN`, `/start`, `/fail`, `/EXIT_CODE`. The token is all that
 * is asked for, and is in no answer.
 */
export function pings(daemon: Daemon): Router {
  const router = Router();
  const answer = (request: Request, response: Response) => {
    const [token, end] = [parameter(request, 'token'), parameter(request, 'end')];
    const said = told(end);
    if (!said || !daemon.ping(token, said)) throw failure('NOT_FOUND', { path: '/ping/…' });
    response.type('text/plain').send('OK\n');
  };
  resource(router, '/ping/:token', { GET: answer, POST: answer });
  resource(router, '/ping/:token/:end', { GET: answer, POST: answer });
  return router;
}

/** What the end of the path says; null: nothing that is known. */
function told(end: string): Parameters<Daemon['ping']>[1] | null {
  if (end === '') return { signal: 'end', exitCode: 0 };
  if (end === 'start') return { signal: 'start', exitCode: null };
  if (end === 'fail') return { signal: 'end', exitCode: null };
  return /^\d{1,3}$/.test(end) && Number(end) <= 255 ? { signal: 'end', exitCode: Number(end) } : null;
}
