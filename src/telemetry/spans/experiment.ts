import type { EventOf, TraceContext } from '../../model/index.ts';
import { derivedPlace, experimentPlace, incidentPlace } from '../trace-ids.ts';
import type { DrawingContext } from './context.ts';
import { draw, inSeconds, type Span } from './span.ts';

/** The span of a fault: what it led to is linked with it. */
export const injectPlace = ({ run }: EventOf<'fault.injected'>): TraceContext =>
  derivedPlace(experimentPlace(run).traceId, run, 'paramedic.chaos.inject', 0);

/** `paramedic.chaos.experiment` with its stages, as far as it got. */
export function experimentSpans(finished: EventOf<'experiment.finished'>, { since }: DrawingContext): Span[] {
  const { run, experiment, component, outcome, at, durationMs } = finished;
  const place = experimentPlace(run);
  const from = at - durationMs;
  const told = since(['fault.injected', 'fault.undone'], Math.floor(from) as typeof at);
  const injected = told.find((event) => event.type === 'fault.injected' && event.run === run);
  const undone = told.findLast((event) => event.type === 'fault.undone' && event.run === run);
  const fault = injected?.type === 'fault.injected' ? injected : undefined;
  const ended = undone?.at ?? at;
  const stage = (name: string, start: number, end: number): Span =>
    draw(derivedPlace(place.traceId, run, name, 0), { name, parentId: place.spanId, from: start, to: end });
  return [
    draw(place, {
      name: 'paramedic.chaos.experiment',
      parentId: null,
      from,
      to: at,
      errorType: outcome === 'passed' || outcome === 'skipped' || outcome === 'aborted' ? null : outcome,
      attributes: {
        'paramedic.chaos.experiment.id': run,
        'paramedic.chaos.experiment.name': experiment,
        'paramedic.chaos.fault.kind': fault?.fault,
        'paramedic.chaos.target': component,
        'paramedic.chaos.outcome': outcome,
        'paramedic.chaos.why': finished.why,
        'paramedic.rto.achieved_s': inSeconds(finished.rtoMs),
        'paramedic.rpo.achieved_s': inSeconds(finished.rpoMs),
      },
      links: finished.incidents.map(incidentPlace),
    }),
    stage('paramedic.chaos.steady_state', from, fault?.at ?? at),
    ...(fault
      ? [
          draw(injectPlace(fault), {
            name: 'paramedic.chaos.inject',
            parentId: place.spanId,
            from: fault.at,
            to: fault.at,
            attributes: { 'paramedic.chaos.fault.kind': fault.fault, 'process.pid': fault.pid },
          }),
          stage('paramedic.chaos.observe', fault.at, ended),
        ]
      : []),
    ...(undone ? [stage('paramedic.chaos.rollback', undone.at, at)] : []),
  ];
}
