export { diffConfig, type ConfigDiff } from './diff.ts';
export { jsonSchema } from './json-schema.ts';
export { loadConfig, type LoadedConfig } from './load.ts';
export { configurationPage } from './reference-page.ts';
export type { ComponentConfig, Config } from './schema.ts';
export { toYaml } from './to-yaml.ts';
