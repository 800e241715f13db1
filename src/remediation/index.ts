export type { Alert } from './alert.ts';
export type { Target } from './decide.ts';
export { createRemediationDesk, type RemediationDesk, type RemediationView } from './desk.ts';
export { createRemediation, type Answer, type Delivery, type Remediation } from './remediation.ts';
export type { RemediationPolicy } from './schema.ts';
