import type { ComponentName, EventOf, IncarnationId, IncidentId, RecoveryEvent } from '../model/index.ts';

/** Gathers what the events tell of one component, from its fault on. */
export class Observer {
  readonly #component: ComponentName;
  readonly #killed: IncarnationId | null;
  readonly #monotonic: () => number;
  #lives = 0;
  /** When a life after the one that was hit was first verified healthy; monotonic. */
  readyAt: number | null = null;
  /** What the newest life was given. */
  restored: EventOf<'checkpoint.restored'> | null = null;
  /** It was decided not to bring it back. */
  gaveUp: string | null = null;
  /** Somebody else has taken the component into their hands: what follows proves nothing. */
  interference: string | null = null;
  readonly incidents = new Set<IncidentId>();

  /** @param killed the life that the fault hits. */
  constructor(component: ComponentName, killed: IncarnationId | null, monotonic: () => number) {
    this.#component = component;
    this.#killed = killed;
    this.#monotonic = monotonic;
  }

  read(event: RecoveryEvent): void {
    if (event.type === 'config.reloaded' && [...event.changed, ...event.removed].includes(this.#component))
      this.interference ??= 'its configuration was changed meanwhile';
    if (!('component' in event) || event.component !== this.#component) return;
    if (event.incident !== undefined) this.incidents.add(event.incident);
    if (event.type === 'component.starting') this.#begin(event);
    else if (event.type === 'component.ready') this.#isReady(event);
    else if (event.type === 'component.held') this.interference ??= 'a person stopped it meanwhile';
    else if (event.type === 'component.failed') this.gaveUp = `given up: ${event.why}`;
    else if (event.type === 'restart.decided' && event.decision.kind === 'stay')
      this.gaveUp = `it stays down: ${event.decision.why}`;
    else if (event.type === 'checkpoint.restored' && this.#lives > 0) this.restored ??= event;
  }

  #begin({ reason }: EventOf<'component.starting'>): void {
    this.#lives++;
    this.gaveUp = null;
    this.restored = null;
    if (reason === 'manual') this.interference ??= 'somebody started it by hand meanwhile';
  }

  #isReady({ incarnation }: EventOf<'component.ready'>): void {
    if (incarnation !== this.#killed) this.readyAt ??= this.#monotonic();
  }
}
