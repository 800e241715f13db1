import type { DriverKind } from '../../src/model/index.ts';
import { describeDriver, type Stage } from '../contracts/driver.ts';
import { commandsStage } from './stages/commands.ts';
import { containerStage } from './stages/container.ts';
import { deploymentStage } from './stages/deployment.ts';
import { logicalStage } from './stages/logical.ts';
import { processStage } from './stages/process.ts';
import { systemdStage } from './stages/systemd.ts';

/** A kind that is new does not compile until it is here. */
const stages: Readonly<Record<DriverKind, () => Promise<Stage> | Stage>> = {
  process: processStage,
  commands: commandsStage,
  systemd: systemdStage,
  container: containerStage,
  deployment: () => deploymentStage(),
  logical: () => logicalStage(),
};

for (const [kind, stage] of Object.entries(stages)) describeDriver(`what is run as ${kind}`, stage);
