import { describe, expect, it } from 'vitest';
import { eventTypes } from '../../src/model/index.ts';
import { eventsPage, metricNames, metricsPage } from '../../src/telemetry/index.ts';

describe('reference pages', () => {
  it('name every metric and every event once', () => {
    const rows = (page: string, name: string) => page.match(new RegExp(`^\\| \`${name}\` \\|.*\\.( \\||$)`, 'gm'));
    for (const name of metricNames) expect(rows(metricsPage(), name), name).toHaveLength(1);
    for (const type of eventTypes) expect(rows(eventsPage(), type.replace('.', '\\.')), type).toHaveLength(1);
  });
});
