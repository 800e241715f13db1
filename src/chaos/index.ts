export { createExperiments } from './create-experiments.ts';
export type { ExperimentControl, ExperimentInfo, Experiments } from './experiments.ts';
export { faults } from './faults/index.ts';
export type { ExperimentPorts } from './ports.ts';
export type { Finished } from './runner.ts';
export type { Subject } from './subject.ts';
