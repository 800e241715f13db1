import { isWorse, type DegradationLevel, type EpochMs, type LevelPin, type Trigger } from '../model/index.ts';

/** Who asks for a level. A person stands above all others; of the rest the worst counts. */
export interface Claims {
  /** What the readings of the machine have led to. */
  readonly policy: { readonly level: DegradationLevel; readonly reason: string };
  /** In recovery mode, until all is well. */
  readonly recovering: boolean;
  readonly person: LevelPin | null;
  /** What alerts have asked for. */
  readonly alerts: readonly LevelPin[];
}

export interface InForce {
  readonly level: DegradationLevel;
  readonly trigger: Trigger;
  readonly reason: string;
  readonly until: EpochMs | null;
}

/** The level that counts now, by whom, and why. Pure; pins whose time is over must be gone already. */
export function inForce({ policy, recovering, person, alerts }: Claims): InForce {
  if (person) return pinned(person, 'a person');
  const machine: InForce = { ...policy, trigger: 'policy', until: null };
  const floor: InForce = {
    level: 'minimal',
    trigger: 'policy',
    reason: 'recovery mode: until all that is meant to run is well',
    until: null,
  };
  const claims = [machine, ...(recovering ? [floor] : []), ...alerts.map((pin) => pinned(pin, 'an alert'))];
  return claims.reduce((worst, claim) => (isWorse(claim.level, worst.level) ? claim : worst));
}

const pinned = ({ level, trigger, until }: LevelPin, by: string): InForce => ({
  level,
  trigger,
  reason: `${by} asked for it`,
  until,
});
