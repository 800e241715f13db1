import type { EngineKind } from '../model/index.ts';
import type { CommandsDeps } from './commands.ts';
import type { Driver } from './driver.ts';
import type { LogicalDeps } from './logical.ts';
import { createProcessDriver, type ProcessDriverDeps } from './process.ts';

export type DriversDeps = ProcessDriverDeps & CommandsDeps & LogicalDeps;

/** A daemon that has only processes loads none of them. */
const load: { readonly [K in EngineKind]: (deps: DriversDeps) => Promise<Driver> } = {
  commands: async (deps) => (await import('./commands.ts')).createCommandsDriver(deps),
  systemd: async (deps) => (await import('./systemd.ts')).createSystemdDriver(deps),
  container: async (deps) => (await import('./container.ts')).createContainerDriver(deps),
  deployment: async (deps) => (await import('./deployment.ts')).createDeploymentDriver(deps),
  parent: async (deps) => (await import('./logical.ts')).createLogicalDriver(deps),
};

/** All drivers as one: each component is run by the one that its configuration names. */
export function createDrivers(deps: DriversDeps): Driver {
  const processes = createProcessDriver(deps);
  const engines = new Map<EngineKind, Promise<Driver>>();

  const engine = (kind: EngineKind): Promise<Driver> => {
    const known = engines.get(kind) ?? load[kind](deps);
    engines.set(kind, known);
    return known;
  };

  return {
    kind: 'any',
    prepare: (plan) => (plan.engine ? Promise.resolve() : processes.prepare(plan)),
    start: (plan, signal) =>
      plan.engine ? engine(plan.engine.kind).then((driver) => driver.start(plan, signal)) : processes.start(plan),
    adopt: (plan, recorded) =>
      plan.engine
        ? engine(plan.engine.kind).then((driver) => driver.adopt(plan, recorded))
        : // What an engine runs has a process too, but not one of ours.
          processes.adopt(plan, recorded.engine ? { process: null } : recorded),
    find: async (plan) => (plan.engine && (await (await engine(plan.engine.kind)).find?.(plan))) ?? null,
    async forget(component) {
      const known = await Promise.all(engines.values());
      await Promise.all([processes, ...known].map((driver) => driver.forget(component)));
    },
    async close() {
      const known = await Promise.all(engines.values());
      await Promise.all([processes, ...known].map((driver) => driver.close()));
    },
  };
}
