import type { ServiceFacts } from '../../src/service/index.ts';

/** A daemon as it is on many a server. */
export const facts = (more: Partial<ServiceFacts> = {}): ServiceFacts => ({
  name: 'paramedic',
  scope: 'system',
  node: '/usr/bin/node',
  main: '/usr/lib/node_modules/paramedic/dist/main.js',
  config: '/etc/paramedic/paramedic.yaml',
  stateDir: '/var/lib/paramedic',
  path: '/usr/local/bin:/usr/bin:/bin',
  user: 'paramedic',
  speaksItself: true,
  readme: '/usr/lib/node_modules/paramedic/README.md',
  ...more,
});
