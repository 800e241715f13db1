import { Router } from 'express';
import type { Daemon, HealthView } from '../supervisor/api.ts';
import { resource } from './resource.ts';

/** One line per component, as Kubernetes writes them: `[+]gmail healthy`, `[-]browser unhealthy: api: no answer`. */
function verbose({ status, components }: HealthView): string {
  const lines = Object.entries(components).map(([name, component]) => {
    const bad = component.checks.filter((check) => check.status !== 'healthy');
    const why = bad.map((check) => `${check.name}: ${check.message}`).join('; ');
    return `[${component.status === 'healthy' ? '+' : '-'}]${name} ${component.status}${why && `: ${why}`}`;
  });
  return [...lines, status, ''].join('\n');
}

/** For whoever watches us without a token: that the daemon lives, and that it supervises. */
export function probes(daemon: Daemon): Router {
  const router = Router();
  resource(router, '/livez', { GET: (_request, response) => void response.type('text/plain').send('ok\n') });
  resource(router, '/readyz', {
    GET(_request, response) {
      const ready = daemon.ready();
      response
        .status(ready ? 200 : 503)
        .type('text/plain')
        .send(ready ? 'ok\n' : 'not supervising\n');
    },
  });
  return router;
}

/**
 * Whether the supervised are well. 503 from unhealthy on; `unknown` is answered 200, for it is no failure anywhere
 * else either: nothing was asked yet, or the source has nothing to say.
 */
export function healthz(daemon: Daemon): Router {
  const router = Router();
  resource(router, '/healthz', {
    GET(request, response) {
      const health = daemon.health();
      const failed = health.status === 'unhealthy' || health.status === 'critical';
      const text = request.query['verbose'] === undefined ? `${health.status}\n` : verbose(health);
      response
        .status(failed ? 503 : 200)
        .type('text/plain')
        .send(text);
    },
  });
  return router;
}
