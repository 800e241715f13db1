import type { Site } from './daemon.ts';
import { environOf } from './witness.ts';

/** Speaks for a component as its own process would, with the token of its own environment. */
export function speakerOf(site: Site, pid: number) {
  const authorization = `Bearer ${environOf(pid, 'PARAMEDIC_TOKEN')}`;
  return async (method: string, path: string, body?: unknown) => {
    const answer = await fetch(`${site.url}/component/v1/${path}`, {
      method,
      headers: { authorization, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await answer.text();
    return { status: answer.status, body: (text === '' ? null : JSON.parse(text)) as Record<string, unknown> };
  };
}
