import { componentName, type IncarnationId, type ProcessIdentity } from '../model/index.ts';
import type { FindSurvivors, Survivor } from './driver.ts';
import { findByEnvironment, type Found } from './environ.ts';
import { systemBootId } from './proc.ts';

/** Was spawned by a daemon: begins its session, and its parent (the daemon, then init) is none of its own kind. */
function wasSpawned({ stat, env }: Found, all: readonly Found[]): boolean {
  const ours = all.filter((other) => other.env.get('PARAMEDIC_INCARNATION') === env.get('PARAMEDIC_INCARNATION'));
  const leads = (other: Found) => other.stat.pid === other.stat.session && other.stat.pid === other.stat.group;
  const isOrphan = (other: Found) => !ours.some(({ stat: { pid } }) => pid === other.stat.parent);
  const [first] = ours
    .filter((other) => leads(other) && isOrphan(other))
    .toSorted((a, b) => a.stat.startTime - b.stat.startTime || a.stat.pid - b.stat.pid);
  return first?.stat.pid === stat.pid;
}

/**
 * Looks through all processes for those that carry a component's token, in the order of their start. Of each
 * incarnation one at most is the leader: what it has put into sessions of its own (a browser, a daemon) is not.
 * Nothing is found where there is no /proc.
 */
export const findSurvivors: FindSurvivors = async () => {
  const found = await findByEnvironment(['PARAMEDIC_TOKEN=']);
  return found
    .toSorted((a, b) => a.stat.startTime - b.stat.startTime || a.stat.pid - b.stat.pid)
    .flatMap((entry): Survivor[] => {
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
