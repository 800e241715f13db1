import type { CrashRetention } from './schema.ts';

export interface StoredReport {
  /** Its id, which begins with the time of the crash: `CRASH-20261123-224610-1A2B3C4D`. */
  readonly id: string;
  readonly bytes: number;
}

/** When the crash was; NaN for what is no id. */
export function timeOfReport(id: string): number {
  const [, date = '', time = ''] = id.split('-');
  const part = (text: string, from: number) => text.slice(from, from + 2);
  return Date.parse(
    `${date.slice(0, 4)}-${part(date, 4)}-${part(date, 6)}T${part(time, 0)}:${part(time, 2)}:${part(time, 4)}Z`,
  );
}

/** Which reports have to go. The newest one stays whatever it takes: it is what somebody is about to look for. Pure. */
export function surplus(
  reports: readonly StoredReport[],
  now: number,
  { keep, max_age, max_size }: CrashRetention,
): string[] {
  const newestFirst = reports.toSorted((a, b) => (a.id < b.id ? 1 : -1));
  let bytes = 0;
  let full = false;
  return newestFirst.flatMap((report, index) => {
    bytes += report.bytes;
    full ||= index >= keep || bytes > max_size || now - timeOfReport(report.id) > max_age;
    return full && index > 0 ? [report.id] : [];
  });
}
