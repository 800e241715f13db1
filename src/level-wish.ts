import { z } from 'zod';
import { degradationLevels } from './model/index.ts';
import { duration } from './units.ts';

/* What may be asked for of the level of degradation: the same for a person, an alert and the rule that lets it ask. */

/** What an alert asks for ends by itself: one that goes on firing is acted upon once. */
export const ALERT_HOLDS_MS = 900_000;
/** Beyond it timers and dates end. */
const LONGEST_MS = 366 * 86_400_000;

/** A level, or `auto`: no longer the one that was held. */
export const levelOrAuto = () =>
  z.enum([...degradationLevels, 'auto'], { error: () => `expected one of ${degradationLevels.join(', ')}, auto` });

/** How long a level is held, in ms. */
export const holdTime = () =>
  duration().refine((ms) => ms > 0 && ms <= LONGEST_MS, {
    error: () => 'expected a duration longer than 0, at most 366d',
  });

interface Wish {
  readonly level: string;
  readonly for?: number | undefined;
}

/** For a `refine` with `TIME_WITH_AUTO`. */
export const fitsTogether = ({ level, for: forMs }: Wish): boolean => level !== 'auto' || forMs === undefined;
export const TIME_WITH_AUTO = { path: ['for'], error: () => 'goes with a level only: auto ends what was held' };

export const levelWish = z
  .strictObject({ level: levelOrAuto(), for: holdTime().optional() })
  .refine(fitsTogether, TIME_WITH_AUTO);
