import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { loadConfig } from '../src/config/index.ts';
import { amtool, compose, needs, promtool, run } from './support/command.ts';
import { ALERTS } from './support/rules.ts';
import { tempFolder } from './support/temp.ts';

const ROOT = join(import.meta.dirname, '..');
const DEPLOY = join(ROOT, 'deploy');
const file = join(ROOT, 'docker-compose.yml');
const text = (name: string) => readFileSync(join(ROOT, name), 'utf8');

interface Service {
  readonly image: string;
  readonly user?: string;
  readonly ports?: readonly string[];
  readonly volumes?: readonly (string | { readonly source: string; readonly target: string })[];
}
const { services } = parse(text('docker-compose.yml'), { merge: true }) as { services: Record<string, Service> };

describe('docker-compose.yml', () => {
  it('is accepted by docker-compose', ({ skip }) => {
    needs(compose, skip);
    expect(run(compose, '-f', file, 'config', '-q')).toEqual({ code: 0, said: '' });
  });

  it.each(Object.entries(services))('%s: a version that stays, loopback only, files that exist', (_name, service) => {
    expect(service.image).toMatch(/^paramedic:local$|:v?\d+\.\d+\.\d+$/);
    for (const port of service.ports ?? []) expect(port).toMatch(/^127\.0\.0\.1:/);
    for (const volume of service.volumes ?? []) {
      const [source = ''] = typeof volume === 'string' ? volume.split(':') : [volume.source];
      if (source.startsWith('.')) expect(existsSync(join(ROOT, source)), source).toBe(true);
    }
  });

  it('runs all who read the tokens as the user that they belong to', () => {
    const readers = Object.entries(services).filter(([, { volumes }]) => JSON.stringify(volumes).includes('tokens'));
    expect(readers.map(([name]) => name)).toEqual(['paramedic', 'prometheus', 'alertmanager']);
    for (const [name, { user }] of readers) expect(user, name).toBe('65534:65534');
    expect(text('deploy/Dockerfile')).toContain('USER 65534:65534');
  });
});

describe('the image', () => {
  it('is made of files that exist and that .dockerignore lets through', () => {
    const copied = [...text('deploy/Dockerfile').matchAll(/^COPY (?!--)(.+) \S+$/gm)].flatMap(([, names = '']) =>
      names.split(' '),
    );
    expect(copied.length).toBeGreaterThan(5);
    const allowed = text('.dockerignore').split('\n');
    for (const name of copied) {
      expect(existsSync(join(ROOT, name)), name).toBe(true);
      expect(allowed).toContain(`!${name}`);
    }
  });

  it('has a configuration that Paramedic accepts', () => {
    const copy = join(tempFolder(), 'paramedic.yaml');
    writeFileSync(copy, text('deploy/paramedic.yaml'));
    expect(Object.keys(loadConfig(copy).config.components)).toEqual(['web', 'worker']);
  });
});

describe('what runs beside Paramedic', () => {
  it('is the same Alertmanager configuration, with the addresses of Compose', () => {
    const expected = readFileSync(join(ALERTS, 'alertmanager.yml'), 'utf8')
      .replace('http://127.0.0.1:9477/', 'http://paramedic:9477/')
      .replace('../.paramedic/tokens/', 'tokens/');
    expect(text('deploy/alertmanager.yml')).toBe(expected);
  });

  it('is accepted by amtool and promtool, where the containers have it', ({ skip }) => {
    needs(promtool, skip);
    needs(amtool, skip);
    const etc = tempFolder();
    mkdirSync(join(etc, 'tokens'));
    writeFileSync(join(etc, 'tokens/metrics.token'), 'x');
    for (const mounted of services['prometheus']?.volumes ?? []) {
      const [source = '', target = ''] = typeof mounted === 'string' ? mounted.split(':') : [];
      if (source.startsWith('.')) copyFileSync(join(ROOT, source), join(etc, target.replace('/etc/prometheus/', '')));
    }
    expect(run(promtool, 'check', 'config', join(etc, 'prometheus.yml'))).toMatchObject({ code: 0 });
    expect(run(amtool, 'check-config', join(DEPLOY, 'alertmanager.yml'))).toMatchObject({ code: 0 });
  });

  it('has the data sources that exemplars and traces lead to', () => {
    const { datasources } = parse(text('deploy/grafana/datasources.yml')) as { datasources: DataSource[] };
    const ids = datasources.map(({ uid }) => uid);
    expect(ids).toEqual(['prometheus', 'tempo', 'alertmanager']);
    for (const [, uid] of JSON.stringify(datasources).matchAll(/"(?:datasourceUid|alertmanagerUid)":"(\w+)"/g))
      expect(ids).toContain(uid);
    for (const { url } of datasources) expect(Object.keys(services)).toContain(new URL(url).hostname);
  });
});
interface DataSource {
  readonly uid: string;
  readonly url: string;
}
