import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  writeSync,
} from 'node:fs';
import { createSecretKey, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { hmac, randomHex, sameSecret } from '../digest.ts';
import { failure, ParamedicError, sentenceOf, systemCode } from '../errors.ts';
import type { ComponentName, IncarnationId } from '../model/index.ts';

/** Who a component's token speaks for. */
export interface Speaker {
  readonly component: ComponentName;
  readonly incarnation: IncarnationId;
}

/** The secrets of one state folder. Never log any of them. */
export interface Tokens {
  readonly api: string;
  readonly webhook: string;
  /** What webhooks are let in with: `webhook`, and the one before while `webhook.previous.token` lies beside it. */
  readonly webhooks: readonly string[];
  readonly metrics: string;
  /** `COMPONENT.INCARNATION.HMAC`: made anew whenever it is needed, stored nowhere, the same after a restart of the daemon. */
  componentToken(component: ComponentName, incarnation: IncarnationId): string;
  /** Whose token it is; undefined: not one of ours. Says nothing of whether that incarnation is still the current one. */
  readComponentToken(token: string): Speaker | undefined;
}

/** A token that was exchanged and still holds, until its file is deleted and the daemon started again. */
const PREVIOUS = 'webhook.previous';
const KEY_BYTES = 32;
/** A person may put a token of their own into the file; anything shorter could be guessed. */
const SHORTEST_TOKEN = 32;
const COMPONENT_TOKEN = /^([a-zA-Z0-9][a-zA-Z0-9_-]{0,63})\.([0-9a-f]{32})\.([0-9a-f]{64})$/;

/**
 * Reads the tokens of a folder and makes those that are missing: 256 bits each, files 0600 in a folder 0700.
 * @throws STATE_DIR_UNUSABLE when the folder cannot be used or a file holds something that is no token.
 */
export function createTokens(folder: string): Tokens {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    chmodSync(folder, 0o700);
    const [api, webhook, metrics] = [token(folder, 'api'), token(folder, 'webhook'), token(folder, 'metrics')];
    const before = existsSync(join(folder, `${PREVIOUS}.token`)) ? [token(folder, PREVIOUS)] : [];
    return { api, webhook, webhooks: [webhook, ...before], metrics, ...componentTokens(componentKey(folder)) };
  } catch (error) {
    if (error instanceof ParamedicError) throw error;
    throw failure('STATE_DIR_UNUSABLE', { folder, why: sentenceOf(error) }, { cause: error });
  }
}

function componentTokens(bytes: Buffer): Pick<Tokens, 'componentToken' | 'readComponentToken'> {
  const key = createSecretKey(bytes);
  const sign = (component: string, incarnation: string) => hmac(key, `${component}.${incarnation}`);
  return {
    componentToken: (component, incarnation) => `${component}.${incarnation}.${sign(component, incarnation)}`,
    readComponentToken(given) {
      const [, component, incarnation, signature] = COMPONENT_TOKEN.exec(given) ?? [];
      if (component === undefined || incarnation === undefined || signature === undefined) return undefined;
      if (!sameSecret(signature, sign(component, incarnation))) return undefined;
      return { component: component as ComponentName, incarnation: incarnation as IncarnationId };
    },
  };
}

function token(folder: string, name: string): string {
  const text = keep(folder, `${name}.token`, () => Buffer.from(`${randomHex(32)}\n`))
    .toString('utf8')
    .trim();
  if (text.length >= SHORTEST_TOKEN && /^[\x21-\x7e]+$/.test(text)) return text;
  const why = `${name}.token holds no token (at least ${SHORTEST_TOKEN} visible characters); delete it to get a new one`;
  throw failure('STATE_DIR_UNUSABLE', { folder, why });
}

function componentKey(folder: string): Buffer {
  const key = keep(folder, 'component.key', () => randomBytes(KEY_BYTES));
  if (key.length === KEY_BYTES) return key;
  const why = `component.key is not ${KEY_BYTES} bytes long; delete it to get a new one`;
  throw failure('STATE_DIR_UNUSABLE', { folder, why });
}

/** The file's content, made first when there is none. An empty file is what a power cut leaves: as good as none. */
function keep(folder: string, name: string, make: () => Buffer): Buffer {
  const file = join(folder, name);
  try {
    const content = readFileSync(file);
    chmodSync(file, 0o600);
    if (content.length > 0) return content;
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error;
  }
  const content = make();
  const draft = `${file}.${process.pid}.new`;
  const descriptor = openSync(draft, 'w', 0o600);
  try {
    writeSync(descriptor, content);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  renameSync(draft, file);
  return content;
}
