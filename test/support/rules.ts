import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { RecordingRule } from './promql.ts';

/** alerts/, as its files are. */
export const ALERTS = join(import.meta.dirname, '../../alerts');

export interface AlertRule {
  readonly alert: string;
  readonly expr: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

export const readYaml = (file: string): unknown => parse(readFileSync(join(ALERTS, file), 'utf8'));

const rulesOf = <R>(file: string): R[] =>
  (readYaml(file) as { groups: { rules: R[] }[] }).groups.flatMap(({ rules }) => rules);

export const recordingRules = rulesOf<RecordingRule>('paramedic.rules.yml');
export const alertRules = rulesOf<AlertRule>('paramedic.alerts.yml');
