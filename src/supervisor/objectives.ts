import type { ComponentConfig } from '../config/index.ts';
import { defaultObjectives, type Objectives } from '../telemetry/index.ts';

/** What is promised of a component. */
export const objectivesOf = ({ state }: Pick<ComponentConfig, 'state'>): Objectives => ({
  ...defaultObjectives,
  rpoMs: state.recovery_point_objective,
});
