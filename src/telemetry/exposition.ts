/** What only OpenMetrics has: an exemplar of ours at the end of a line. It cannot stand in a label: quotes are escaped there. */
const EXEMPLAR = / # \{trace_id="[0-9a-f]+",span_id="[0-9a-f]+"\} \S+ \S+$/gm;
const COUNTER = /^# TYPE (\S+) counter$/gm;

/**
 * The classic text format from the OpenMetrics text: counters get the `_total` back in their HELP and TYPE lines,
 * exemplars and the end mark go.
 */
export function toClassic(openMetrics: string): string {
  const counters = new Set([...openMetrics.matchAll(COUNTER)].map(([, name]) => name));
  return openMetrics
    .replaceAll(EXEMPLAR, '')
    .replaceAll(/^# (HELP|TYPE) (\S+)/gm, (line, kind: string, name: string) =>
      counters.has(name) ? `# ${kind} ${name}_total` : line,
    )
    .replaceAll(/^# UNIT .*\n/gm, '')
    .replace(/# EOF\n$/, '');
}

/** Samples in a text of either format. */
export const countSeries = (text: string): number => text.match(/^[^#\n]/gm)?.length ?? 0;
