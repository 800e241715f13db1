import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { Cron } from 'croner';
import { findAccount } from '../drivers/index.ts';
import { waysToRun } from '../drivers/schema.ts';
import { isLoopback, listenSchema } from '../http/schema.ts';
import { isTemplate } from '../template.ts';
import { cyclesIn, type Edge } from './cycles.ts';
import { featureDependencies } from './feature-dependencies.ts';
import { didYouMean } from './nearest.ts';
import { shown } from './sentences.ts';
import { either } from './shape.ts';
import { stateKeys } from './state-keys.ts';
import { child, entriesOf, textsOf, type Node, type Problem } from './tree.ts';

/*
 * What no single value can be blamed for. All of it reads the tree, not the parsed configuration, so that it is
 * found beside every other problem and not after them.
 */

const problem = ({ at, path }: Node, sentence: string): Problem => ({ at, path, sentence });
const value = (node: Node | undefined): unknown => (node?.is === 'scalar' ? node.value : undefined);
const isDisabled = (component: Node): boolean => value(child(component, 'enabled')) === false;

/** What a component waits for: dependencies, and what it lives in. */
function edgesOf(component: Node): Edge[] {
  const parent = child(component, 'parent');
  const name = value(parent);
  return [
    ...textsOf(child(component, 'depends_on')),
    ...(parent && typeof name === 'string' ? [{ text: name, node: parent }] : []),
  ];
}

function dependencies(components: [string, Node][]): Problem[] {
  const byName = new Map(components);
  return components.flatMap(([name, component]) =>
    edgesOf(component).flatMap(({ text, node }) => {
      const target = byName.get(text);
      const isParent = node === child(component, 'parent');
      if (text === name) return [problem(node, `"${name}" cannot ${isParent ? 'live inside' : 'depend on'} itself`)];
      if (!target) return [problem(node, `no component is named "${text}"${didYouMean(text, byName.keys())}`)];
      if (isDisabled(target) && !isDisabled(component))
        return [
          problem(
            node,
            `"${text}" is not enabled, but "${name}" is and ${isParent ? 'lives inside' : 'depends on'} it`,
          ),
        ];
      if (isParent && child(target, 'parent'))
        return [problem(node, `"${text}" has no process of its own: name the component whose process both live in`)];
      if (isParent && !child(target, 'command'))
        return [problem(node, `"${text}" is not run with "command": nothing can be asked of what lives inside it`)];
      return [];
    }),
  );
}

/** What only a child process has, or one that a command of ours starts. Without effect they would be a false promise. */
const ofProcesses = ['user', 'group', 'nice'];
const ofOurOwn = ['cwd', 'env', 'env_inherit', 'logs'];

/** Ways of which nobody knows the processes, and those without an engine that tells how well they are. */
const withoutProcesses = ['commands', 'deployment', 'parent'];
const withoutWord = ['command', 'commands', 'parent'];

/** Checks that would never have an answer. */
const unanswered = (component: Node, way: string): Problem[] =>
  entriesOf(child(component, 'checks')).flatMap(([, check]) => {
    const [own, engine] = [child(check, 'process'), child(check, 'engine')];
    const blind = own && !child(own, 'name') && withoutProcesses.includes(way);
    const mute = engine && withoutWord.includes(way);
    const [node, sentence] = blind
      ? [own, `nobody tells what runs for a component with "${way}": give a name, or use another check`]
      : [engine, `a component with "${way}" has no engine that tells how well it is`];
    return node && (blind || mute) ? [{ ...node, at: node.keyAt, sentence }] : [];
  });

/** A component runs in exactly one way, and is given nothing that this way cannot do. */
function waysOf(components: [string, Node][]): Problem[] {
  return components.flatMap(([, component]) => {
    if (component.is !== 'map') return [];
    const ways = waysToRun.filter((way) => child(component, way));
    const [way, second] = ways;
    if (way === undefined)
      return [
        { ...component, at: component.keyAt, sentence: `does not say how it runs: give one of ${either(waysToRun)}` },
      ];
    const other = child(component, second ?? '');
    if (other)
      return [{ ...other, at: other.keyAt, sentence: `excludes "${way}": a component runs in exactly one way` }];
    if (way === 'command') return unanswered(component, way);
    const vain = way === 'commands' ? ofProcesses : [...ofProcesses, ...ofOurOwn];
    const problems = unanswered(component, way);
    return problems.concat(
      vain.flatMap((key) => {
        const given = child(component, key);
        // What comes from `defaults` is meant for those that it suits.
        if (!given || given.path.startsWith('defaults.')) return [];
        return [
          { ...given, at: given.keyAt, sentence: `only a component with "command" has this, not one with "${way}"` },
        ];
      }),
    );
  });
}

const cycles = (components: [string, Node][]): Problem[] =>
  cyclesIn(new Map(components.map(([name, node]) => [name, edgesOf(node)])));

/** A rule that names a component names one that is there; a template is filled in when the alert comes. */
function remediation(rules: Node | undefined, components: [string, Node][]): Problem[] {
  const names = components.map(([name]) => name);
  return (rules?.is === 'list' ? rules.items : []).flatMap((rule) =>
    entriesOf(child(rule, 'action')).flatMap(([, options]) => {
      const node = child(options, 'component');
      const name = value(node);
      if (!node || typeof name !== 'string' || isTemplate(name) || names.includes(name)) return [];
      return [problem(node, `no component is named "${name}"${didYouMean(name, names)}`)];
    }),
  );
}

function cronSentence(pattern: string, text: string): string | undefined {
  try {
    return new Cron(pattern, { paused: true }).nextRun() === null ? 'this cron expression never comes true' : undefined;
  } catch {
    return `expected a cron expression such as "0 3 * * *", got ${text}`;
  }
}

function maintenance(windows: Node | undefined): Problem[] {
  return (windows?.is === 'list' ? windows.items : []).flatMap((window) => {
    const cron = child(window, 'cron');
    const pattern = value(cron);
    if (!cron || typeof pattern !== 'string' || pattern === '') return [];
    const sentence = cronSentence(pattern, shown(cron));
    return sentence === undefined ? [] : [problem(cron, sentence)];
  });
}

function exposure(root: Node): Problem[] {
  const node = child(root, 'listen');
  const listen = listenSchema.safeParse(value(node));
  if (!node || !listen.success || isLoopback(listen.data.host) || value(child(root, 'insecure_http')) === true)
    return [];
  const sentence = `${shown(node)} can be reached from other machines, and what is said there is not encrypted; listen on 127.0.0.1, or set "insecure_http: true" when the network is trusted`;
  return [problem(node, sentence)];
}

function folders(components: [string, Node][], base: string): Problem[] {
  return components.flatMap(([, component]) => {
    const node = child(component, 'cwd');
    const cwd = value(node);
    if (!node || typeof cwd !== 'string') return [];
    const found = statSync(resolve(base, cwd), { throwIfNoEntry: false });
    if (found?.isDirectory()) return [];
    return [problem(node, `${found ? 'not a folder' : 'no such folder'}: ${shown(node)}`)];
  });
}

/** Only root may make somebody else of a process, or give it more of the CPU. */
function accounts(components: [string, Node][]): Problem[] {
  const textOf = (node: Node | undefined) => {
    const found = value(node);
    return typeof found === 'string' || typeof found === 'number' ? String(found) : undefined;
  };
  return components.flatMap(([, component]) => {
    const [user, group, nice] = ['user', 'group', 'nice'].map((key) => child(component, key));
    const account = findAccount({ user: textOf(user), group: textOf(group) });
    const sentence = typeof account === 'string' ? account : undefined;
    const blamed = sentence?.startsWith('no group') ? (group ?? user) : (user ?? group);
    const level = value(nice);
    return [
      ...(blamed && sentence !== undefined ? [problem(blamed, sentence)] : []),
      ...(nice && typeof level === 'number' && level < 0 && process.getuid?.() !== 0
        ? [problem(nice, 'only a daemon that runs as root can give a component more of the CPU')]
        : []),
    ];
  });
}

/** @param base the configuration file's folder. */
export function crossCheck(root: Node, base: string): Problem[] {
  const components = entriesOf(child(root, 'components'));
  return [
    ...waysOf(components),
    ...dependencies(components),
    ...cycles(components),
    ...featureDependencies(child(root, 'degradation'), components),
    ...remediation(child(child(root, 'remediation'), 'rules'), components),
    ...maintenance(child(root, 'maintenance_windows')),
    ...exposure(root),
    ...stateKeys(child(root, 'state_encryption'), components, base),
    ...folders(components, base),
    ...accounts(components),
  ];
}
