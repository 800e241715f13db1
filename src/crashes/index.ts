export { classify, type Verdict } from './classify.ts';
export type { Evidence } from './evidence.ts';
export { examineHung } from './examine.ts';
export type { Hung } from './hung/examine.ts';
export { openKernelLog, type KernelLog } from './kernel-log.ts';
export { createMask, type Mask } from './mask.ts';
export { createOomWatch, oomCounterFiles, type OomWatch } from './oom.ts';
export type { Crash, CrashReport } from './report.ts';
export { createCrashReports, type CrashReports } from './reports.ts';
