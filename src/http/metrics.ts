import { Router } from 'express';
import type { Daemon } from '../supervisor/api.ts';
import { resource } from './resource.ts';

const quality = (accept: string, type: string): number => {
  const weights = accept.split(',').flatMap((range) => {
    const [name, ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
    const weight = parameters.find((part) => part.startsWith('q='));
    return name === type ? [weight === undefined ? 1 : Number(weight.slice(2))] : [];
  });
  return Math.max(0, ...weights.filter(Number.isFinite));
};

/** OpenMetrics only for who names it and does not like plain text better; a browser or curl gets the classic text. */
export function negotiate(accept: string): 'openmetrics' | 'classic' {
  const openmetrics = quality(accept, 'application/openmetrics-text');
  return openmetrics > 0 && openmetrics >= quality(accept, 'text/plain') ? 'openmetrics' : 'classic';
}

export function metrics(daemon: Daemon): Router {
  const router = Router();
  resource(router, '/metrics', {
    async GET(request, response) {
      const { contentType, body } = await daemon.metrics(negotiate(request.headers.accept ?? ''));
      // Not `send`: it would put a charset of its own into a type that scrapers compare word for word.
      response.setHeader('content-type', contentType);
      response.setHeader('vary', 'accept');
      response.end(body);
    },
  });
  return router;
}
