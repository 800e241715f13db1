import { describe, expect, it } from 'vitest';
import { epochMs } from '../../src/model/index.ts';
import { maintenanceAt } from '../../src/restart/index.ts';

const local = (hour: number, minute = 0) => epochMs(new Date(2026, 10, 23, hour, minute).getTime());
const nightly = [{ cron: '0 3 * * *', duration: 2 * 3_600_000 }];

describe('maintenance windows', () => {
  it.each([
    { at: local(2, 59), open: false },
    { at: local(3, 0), open: true },
    { at: local(4, 59), open: true },
    { at: local(5, 1), open: false },
  ])('from 3 to 5 are open: $open', ({ at, open }) => {
    expect(maintenanceAt(nightly, at)?.open).toBe(open);
  });

  it('tell when the next one opens', () => {
    expect(maintenanceAt(nightly, local(2, 59))?.nextAt).toBe(local(3));
  });

  it('are read once, however often they are asked for', () => {
    let reads = 0;
    const window = {
      duration: 3_600_000,
      get cron() {
        reads++;
        return '0 3 * * *';
      },
    };
    for (const at of [local(2), local(3, 30), local(5)]) {
      expect(maintenanceAt([window], at)).toEqual(maintenanceAt([{ cron: '0 3 * * *', duration: 3_600_000 }], at));
    }
    expect(reads).toBe(1);
  });

  it('are no concern when none is configured', () => {
    expect(maintenanceAt([], local(1))).toBeNull();
  });
});
