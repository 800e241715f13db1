import { z } from 'zod';

/** Addresses whose path is a secret, as that of a webhook often is: whoever knows it may post there. */
export const secretPaths = z.registry<{ readonly secret: 'path' }>();

/** Such an address as everybody may see it. */
export const hidePath = (url: string): string => url.replace(/^(https?:\/\/[^/?#\s]+)[/?#].+/i, '$1/***');
