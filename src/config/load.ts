import { dirname, resolve } from 'node:path';
import { failure } from '../errors.ts';
import { crossCheck } from './cross-checks.ts';
import { effective } from './effective.ts';
import { parseTree, type Parsed } from './parse.ts';
import type { Surroundings } from './references.ts';
import { configSchema, type ComponentConfig, type Config } from './schema.ts';
import { expectation, problemsOf } from './sentences.ts';
import { readConfigFile } from './source.ts';
import { plain, withDefaults, type Node, type Problem } from './tree.ts';

/** A configuration that may be run. */
export interface LoadedConfig {
  /** Absolute. */
  readonly file: string;
  readonly config: Config;
  /** All that is in force, in the words of a file and with secrets as `***`. */
  readonly masked: unknown;
  /** What came in through `${…}`: never to be shown. */
  readonly secrets: readonly string[];
}

/** A text this short could be part of any sentence. */
const SHORTEST_SECRET = 4;

function lines(file: string, problems: readonly Problem[], { position, secrets }: Parsed): string[] {
  const sorted = problems.toSorted((a, b) => a.at - b.at);
  const hidden = secrets.filter(({ length }) => length >= SHORTEST_SECRET);
  const texts = sorted.map(({ at, path, sentence }) => {
    const { line, col } = position(at);
    const told = hidden.reduce((text, secret) => text.replaceAll(secret, '***'), sentence);
    return `${file}:${line}:${col}${path === '' ? '' : ` ${path}`}: ${told}`;
  });
  return [...new Set(texts)];
}

/** `$schema` is for editors: JSON has no comment to put it in. */
function withoutSchemaKey(root: Node): Node {
  if (root.is !== 'map' || !root.entries.has('$schema')) return root;
  const entries = new Map(root.entries);
  entries.delete('$schema');
  return { ...root, entries };
}

/** The kubeconfig is a file beside the configuration. */
function placed({ deployment }: ComponentConfig, folder: string): Partial<ComponentConfig> {
  if (deployment?.kubeconfig === undefined) return {};
  return { deployment: { ...deployment, kubeconfig: resolve(folder, deployment.kubeconfig) } };
}

function absolute(config: Config, folder: string): Config {
  const components = Object.entries(config.components).map(([name, component]) => [
    name,
    { ...component, cwd: resolve(folder, component.cwd), ...placed(component, folder) },
  ]);
  return { ...config, state_dir: resolve(folder, config.state_dir), components: Object.fromEntries(components) };
}

/** The effective configuration names the same folders as the configuration itself, unless they are secret. */
function maskedView(root: Node, folder: string): unknown {
  const { defaults: _merged, ...view } = effective(configSchema, root) as Record<string, unknown> & {
    state_dir: string;
    components: Record<string, { cwd: string }>;
  };
  const place = (path: string) => (path.includes('***') ? path : resolve(folder, path));
  view.state_dir = place(view.state_dir);
  for (const component of Object.values(view.components)) component.cwd = place(component.cwd);
  return view;
}

/**
 * Reads, completes and checks a configuration.
 * @param file as the user gave it; problems name it so. A folder stands for its `paramedic.yaml`.
 * @throws CONFIG_INVALID with every problem at once, one line each: `FILE:LINE:COL PATH: SENTENCE`, in file order.
 */
export function loadConfig(file: string, env: Surroundings['env'] = process.env): LoadedConfig {
  const source = readConfigFile(file);
  const folder = resolve(dirname(source.file));
  const tree = parseTree(source.text, { env, folder });
  if (!tree.sound) throw failure('CONFIG_INVALID', { problems: lines(source.file, tree.problems, tree) });
  const root = withDefaults(withoutSchemaKey(tree.root));
  const parsed = configSchema.safeParse(plain(root), { error: expectation });
  const later = [...problemsOf(root, parsed.error?.issues ?? []), ...crossCheck(root, folder)];
  // A value that could not be read is not also wrong.
  const unread = new Set(tree.problems.map(({ path }) => path));
  const found = [...tree.problems, ...later.filter(({ path }) => !unread.has(path))];
  if (!parsed.success || found.length > 0)
    throw failure('CONFIG_INVALID', { problems: lines(source.file, found, tree) });
  return {
    file: resolve(source.file),
    config: absolute(parsed.data, folder),
    masked: maskedView(root, folder),
    secrets: [...new Set(tree.secrets)],
  };
}
