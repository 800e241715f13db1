import { lookup, Resolver } from 'node:dns/promises';
import { connect, isIP } from 'node:net';
import { z } from 'zod';
import { sentenceOf } from '../../errors.ts';
import { duration, formatDuration } from '../../units.ts';
import { defineCheck, degraded, healthy, unhealthy, unknown, type CheckContext, type CheckResult } from '../check.ts';
import { askedOnce, unlessAborted } from '../file-probe.ts';

const target = z
  .string()
  .regex(/^(?:\[[0-9a-fA-F:.]+\]|[^\s:/[\]]+):\d{1,5}$/, {
    error: () => 'expected HOST:PORT, such as 1.1.1.1:443, example.org:443 or [::1]:443',
  })
  .refine((text) => portOf(text) >= 1 && portOf(text) <= 65_535, { error: () => 'expected a port from 1 to 65535' });

const options = z.strictObject({
  target: target
    .optional()
    .describe(
      'HOST:PORT to connect to; a name is resolved first, as programs on this machine do. Name a host that must be reachable.',
    ),
  dns: z
    .strictObject({
      name: z.string().min(1).describe('Name that must have an address.'),
      server: z
        .string()
        .min(1)
        .optional()
        .describe('Server to ask, as IP or IP:PORT; default: whatever the machine uses for names.'),
    })
    .optional()
    .describe('A name to be resolved, beside or in place of `target`.'),
  warning: duration().default(1_000).describe('Latency, of names and of the connection, above which it is degraded.'),
  timeout: duration().default(5_000).describe('Latency above which it is unhealthy.'),
});

export const network = defineCheck({
  kind: 'network',
  summary: 'Healthy while names resolve and a connection opens, both soon enough.',
  options: options.refine(({ target, dns }) => target !== undefined || dns !== undefined, {
    error: () => 'expected `target`, `dns` or both: a host to reach, a name to resolve',
  }),
  async run({ target, dns, warning, timeout }, context) {
    const soon = AbortSignal.any([context.signal, AbortSignal.timeout(Math.ceil(timeout))]);
    const within = { clock: context.clock, signal: soon };
    const names = dns ? await resolves(dns.name, dns.server, within) : null;
    if (names && names.status !== 'healthy') return names;
    const reached = target === undefined ? null : await reaches(target, within);
    if (reached && reached.status !== 'healthy') return reached;
    const steps = [names, reached].filter((step) => step !== null);
    const message = steps.map((step) => step.message).join('; ');
    const latency = reached?.latency;
    const found = steps.some(({ ms }) => ms > warning) ? degraded(message) : healthy(message);
    return latency === undefined ? found : { ...found, latency };
  },
});

type Within = Pick<CheckContext, 'clock' | 'signal'>;
type Step = CheckResult & { readonly ms: number };

async function resolves(name: string, server: string | undefined, { clock, signal }: Within): Promise<Step> {
  const started = clock.monotonic();
  const since = () => clock.monotonic() - started;
  const by = server === undefined ? '' : ` by ${server}`;
  try {
    const addresses = await unlessAborted(
      signal,
      server === undefined ? askedOnce(`lookup ${name}`, () => lookAll(name)) : askServer(name, server, signal),
    );
    if (addresses.length === 0) return { ...unknown(`"${name}" resolves${by} to nothing`), ms: since() };
    return { ...healthy(`"${name}" resolved${by} in ${formatDuration(Math.round(since()))}`), ms: since() };
  } catch (error) {
    const why = signal.aborted ? `no answer in ${formatDuration(Math.round(since()))}` : sentenceOf(error);
    return { ...unhealthy(`"${name}" does not resolve${by}: ${why}`), ms: since() };
  }
}

const lookAll = async (name: string) => (await lookup(name, { all: true })).map(({ address }) => address);

/** Either family will do. An answer without addresses is none, and neither an error. */
async function askServer(name: string, server: string, signal: AbortSignal): Promise<string[]> {
  const resolver = new Resolver({ tries: 1, timeout: 60_000 });
  resolver.setServers([server]);
  const cancel = () => resolver.cancel();
  signal.addEventListener('abort', cancel, { once: true });
  try {
    return await Promise.any([resolver.resolve4(name), resolver.resolve6(name)]);
  } catch (error) {
    const reasons = (error as AggregateError).errors as NodeJS.ErrnoException[];
    if (reasons.every(({ code }) => code === 'ENODATA')) return [];
    throw reasons.find(({ code }) => code !== 'ENODATA') ?? error;
  } finally {
    signal.removeEventListener('abort', cancel);
    // The family that nobody waits for any more.
    resolver.cancel();
  }
}

function reaches(target: string, { clock, signal }: Within): Promise<Step> {
  const started = clock.monotonic();
  const since = () => clock.monotonic() - started;
  const shown = () => formatDuration(Math.round(since()));
  return new Promise<Step>((resolve) => {
    const socket = connect({ host: hostOf(target), port: portOf(target) });
    let named = '';
    const end = (result: CheckResult) => {
      signal.removeEventListener('abort', abort);
      socket.destroy();
      resolve({ ...result, ms: since() });
    };
    const abort = () => end(unhealthy(`${target} did not answer in ${shown()}${named}`));
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
    if (!isIP(hostOf(target))) socket.once('lookup', () => (named = `, its name in ${shown()}`));
    socket.once('connect', () =>
      end({ ...healthy(`${target} reached in ${shown()}${named}`), latency: { target, ms: since() } }),
    );
    socket.on('error', (error) => end(unhealthy(`${target} cannot be reached: ${sentenceOf(error)}`)));
  });
}

const portOf = (target: string): number => Number(target.slice(target.lastIndexOf(':') + 1));
const hostOf = (target: string): string => target.slice(0, target.lastIndexOf(':')).replaceAll(/[[\]]/g, '');
