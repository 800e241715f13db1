import { componentName, type IncarnationId, type ProcessIdentity } from '../model/index.ts';
import type { FindSurvivors, Survivor } from './driver.ts';
import { findByEnvironment, type Found } from './environ.ts';
import { systemBootId } from './proc.ts';

/** Was spawned by a daemon: of those that begin a session in one life, the oldest. */
function wasSpawned({ stat, env }: Found, byAge: readonly Found[]): boolean {
  const first = byAge.find(
    (other) =>
      other.env.get('PARAMEDIC_INCARNATION') === env.get('PARAMEDIC_INCARNATION') &&
      other.stat.pid === other.stat.session &&
      other.stat.pid === other.stat.group,
  );
  return first?.stat.pid === stat.pid;
}

/**
 * Looks through all processes for those that carry a component's token, in the order of their start. Of each
 * incarnation one at most is the leader: what it has put into sessions of its own (a browser, a daemon) is not.
 * Nothing is found where there is no /proc.
 */
export const findSurvivors: FindSurvivors = async () => {
  const found = (await findByEnvironment(['PARAMEDIC_TOKEN='])).toSorted(
    (a, b) => a.stat.startTime - b.stat.startTime || a.stat.pid - b.stat.pid,
  );
  return found.flatMap((entry): Survivor[] => {
    const [component, incarnation, token] = ['COMPONENT', 'INCARNATION', 'TOKEN'].map((name) =>
      entry.env.get(`PARAMEDIC_${name}`),
    );
    if (!component || !incarnation || !token) return [];
    const { pid, startTime } = entry.stat;
    const identity: ProcessIdentity = { pid, startTime, bootId: systemBootId };
    return [
      {
        component: componentName(component),
        incarnation: incarnation as IncarnationId,
        token,
        process: identity,
        leader: wasSpawned(entry, found),
      },
    ];
  });
};
