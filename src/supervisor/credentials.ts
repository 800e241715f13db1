import { randomHex, sha256 } from '../digest.ts';
import type { Survivor } from '../drivers/index.ts';
import type { ComponentName, IncarnationId } from '../model/index.ts';

/** Who a component's token speaks for. */
export interface Speaker {
  readonly component: ComponentName;
  readonly incarnation: IncarnationId;
}

/** Names the speaker of a component's token and makes such tokens; lives in http/. */
export interface ComponentTokens {
  componentToken(component: ComponentName, incarnation: IncarnationId): string;
  readComponentToken(token: string): Speaker | undefined;
}

export interface Credentials extends ComponentTokens {
  /**
   * Names the next life of a component. Its token was signed ahead, when nobody waited for it: a restart has no time
   * to. Drawn anew with each call.
   */
  nextLife(component: ComponentName): IncarnationId;
  /**
   * Whether a survivor is ours: its token is, or, when the key of the tokens was lost but the database was not, the
   * incarnation that it names is the recorded one, which nobody else could know. Its token holds from then on.
   */
  vouch(survivor: Survivor, recorded: IncarnationId | null): boolean;
}

export function createCredentials(tokens: ComponentTokens): Credentials {
  /** By their SHA-256. */
  const carried = new Map<string, Speaker>();
  const draw = (component: ComponentName) => {
    const incarnation = randomHex(16) as IncarnationId;
    return { incarnation, token: tokens.componentToken(component, incarnation) };
  };
  const drawn = new Map<ComponentName, ReturnType<typeof draw>>();
  const given = new Map<ComponentName, ReturnType<typeof draw>>();
  return {
    nextLife(component) {
      const next = drawn.get(component) ?? draw(component);
      drawn.delete(component);
      given.set(component, next);
      setImmediate(() => drawn.set(component, draw(component)));
      return next.incarnation;
    },
    componentToken(component, incarnation) {
      const known = given.get(component);
      return known?.incarnation === incarnation ? known.token : tokens.componentToken(component, incarnation);
    },
    readComponentToken: (token) => tokens.readComponentToken(token) ?? carried.get(sha256(token)),
    vouch({ component, incarnation, token }, recorded) {
      const speaker = tokens.readComponentToken(token);
      if (speaker) return speaker.component === component && speaker.incarnation === incarnation;
      if (recorded !== incarnation) return false;
      carried.set(sha256(token), { component, incarnation });
      return true;
    },
  };
}
