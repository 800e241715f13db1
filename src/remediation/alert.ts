import type { AlertIdentity } from '../model/index.ts';

/** One alert as a webhook brought it. */
export interface Alert extends AlertIdentity {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

/** The durable key: what was acted upon under it is never acted upon again. */
export const keyOf = ({ fingerprint, startsAt, status }: AlertIdentity): string =>
  `${fingerprint}|${startsAt}|${status}`;

export const identityOf = ({ name, fingerprint, startsAt, status }: AlertIdentity): AlertIdentity => ({
  name,
  fingerprint,
  startsAt,
  status,
});
