import type { CrashReports } from '../crashes/index.ts';
import type { ComponentName, CrashId, Listener } from '../model/index.ts';

/** A report is written beside the restart: when the recovery has ended, its crashes are told how. */
export function createAftermath(reports: Pick<CrashReports, 'recovered'>): Listener {
  const crashes = new Map<ComponentName, CrashId[]>();
  /** A component that dies at every start: its last crashes tell enough. */
  const most = 10;
  return (event) => {
    if (event.type === 'component.crashed')
      crashes.set(event.component, [...(crashes.get(event.component) ?? []), event.crash].slice(-most));
    else if (event.type === 'component.removed') crashes.delete(event.component);
    else if (event.type === 'recovery.finished') {
      for (const crash of crashes.get(event.component) ?? [])
        void reports.recovered(crash, event.outcome === 'recovered');
      crashes.delete(event.component);
    }
  };
}
