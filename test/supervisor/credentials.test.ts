import { setImmediate } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { createTokens } from '../../src/http/tokens.ts';
import { componentName } from '../../src/model/index.ts';
import { createCredentials } from '../../src/supervisor/credentials.ts';
import { tempFolder } from '../support/temp.ts';

const worker = componentName('worker');

it('signs the next life ahead, each under a name of its own, and the old names still hold', async () => {
  const tokens = createTokens(tempFolder());
  let signed = 0;
  const credentials = createCredentials({
    ...tokens,
    componentToken: (...life) => {
      signed++;
      return tokens.componentToken(...life);
    },
  });
  const first = credentials.nextLife(worker);
  await setImmediate();
  expect(signed).toBe(2);
  const second = credentials.nextLife(worker);
  const token = credentials.componentToken(worker, second);
  // Between a death and the next start nothing was signed.
  expect(signed).toBe(2);
  expect(second).not.toBe(first);
  expect(credentials.readComponentToken(token)).toEqual({ component: worker, incarnation: second });
  expect(credentials.componentToken(worker, first)).toBe(tokens.componentToken(worker, first));
  await setImmediate();
  expect(credentials.nextLife(worker)).not.toBe(second);
});
