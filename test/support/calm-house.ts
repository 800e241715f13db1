import type { DegradationDeps } from '../../src/degradation/index.ts';

/** What a house in which nothing happens tells the level of degradation: nothing is read, gone, or run. */
export const calmHouse: Omit<DegradationDeps, 'clock' | 'emit'> = {
  past: [],
  clean: true,
  recoveryMode: false,
  read: () => ({ cpu: null, memory: null, network: null }),
  goneBecause: () => null,
  allWell: () => true,
  incidentOf: () => undefined,
  run: () => Promise.reject(new Error('no commands here')),
  mask: (text) => text,
};
