import type { Attributes } from './spans/span.ts';

export interface ResourceFacts {
  readonly version: string;
  /** What Prometheus calls us: `host:port` of the listener. */
  readonly instance: string;
  readonly hostName: string;
  readonly pid: number;
  readonly nodeVersion: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * Who sends these spans. OpenTelemetry's own variables `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES`
 * (`deployment.environment.name=production,…`) add to it and win.
 */
export function resourceOf({ version, instance, hostName, pid, nodeVersion, env }: ResourceFacts): Attributes {
  const name = env['OTEL_SERVICE_NAME'];
  return {
    'service.name': 'paramedic',
    'service.namespace': 'paramedic',
    'service.version': version,
    'service.instance.id': instance,
    'host.name': hostName,
    'process.pid': pid,
    'process.runtime.name': 'nodejs',
    'process.runtime.version': nodeVersion.replace(/^v/, ''),
    ...given(env['OTEL_RESOURCE_ATTRIBUTES'] ?? ''),
    ...(name ? { 'service.name': name } : {}),
  };
}

/** `key=value,key=value`, percent-encoded where need be; what is neither is left out. */
function given(text: string): Attributes {
  const pairs = text.split(',').flatMap((pair) => {
    const [key, value] = [pair.slice(0, pair.indexOf('=')).trim(), pair.slice(pair.indexOf('=') + 1).trim()];
    return pair.includes('=') && key !== '' ? [[key, decoded(value)] as const] : [];
  });
  return Object.fromEntries(pairs);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
