import { createLogicalDriver, type Parent } from '../../../src/drivers/logical.ts';
import type { Stage } from '../../contracts/driver.ts';
import { planFor } from '../support.ts';

export interface LogicalStage extends Stage {
  parent: Parent | null;
  hears: boolean;
  wasStopped: boolean;
  /** What comes of the next order. */
  answer: () => Promise<void>;
  readonly told: [component: string, order: 'restart' | 'shutdown', timeoutMs: number][];
  readonly problems: string[];
}

/** What lives inside "core" and begins with it, and what it is told. */
export function logicalStage(parent: Parent | null = { incarnation: 'one', adopted: false }): LogicalStage {
  const stage: LogicalStage = {
    parent,
    hears: true,
    wasStopped: false,
    answer: () => Promise.resolve(),
    told: [],
    problems: [],
    plan: (changes) => planFor([], { engine: { kind: 'parent', name: 'core' }, startTimeoutMs: 700, ...changes }),
    driver: () =>
      createLogicalDriver({
        inside: {
          parent: () => stage.parent,
          hears: () => stage.hears,
          wasStopped: () => stage.wasStopped,
          order(...order) {
            stage.told.push(order);
            return stage.answer();
          },
        },
        onProblem: (what) => stage.problems.push(what),
      }),
    runs: () => stage.parent !== null && stage.told.at(-1)?.[1] !== 'shutdown',
    /** With its parent, which the supervisor tells. */
    end: (running) => {
      stage.parent = null;
      running?.lost?.();
    },
    exit: { code: null, signal: null },
    /** It is told to begin anew, and does not say whether it does. */
    beSlow: () => {
      stage.parent = { incarnation: 'one', adopted: true };
      const { promise, resolve } = Promise.withResolvers<void>();
      stage.answer = () => (stage.told.at(-1)?.[1] === 'restart' ? promise : Promise.resolve());
      return { begun: () => stage.told.length > 0, goOn: resolve };
    },
    refused: () => {
      stage.parent = null;
      return { plan: stage.plan(), says: /^Could not start "worker": its parent "core" does not run\.$/ };
    },
  };
  return stage;
}
