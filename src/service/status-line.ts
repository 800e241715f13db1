import type { StatusView } from '../supervisor/api.ts';

/** What `systemctl status` shows of us: `healthy; 3 components: 2 running, 1 backoff`. */
export function statusLine({ health, why, components }: StatusView): string {
  const counts = new Map<string, number>();
  for (const { state } of components) counts.set(state, (counts.get(state) ?? 0) + 1);
  const states = [...counts].map(([state, count]) => `${count} ${state}`).join(', ');
  const line = [
    why === '' ? health : `${health} (${why})`,
    components.length === 0
      ? 'nothing is configured'
      : `${components.length} component${components.length === 1 ? '' : 's'}: ${states}`,
  ].join('; ');
  return line.replace(/\s+/g, ' ');
}
