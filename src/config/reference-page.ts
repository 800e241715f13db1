import { z } from 'zod';
import { configSchema } from './schema.ts';
import { shapeOf, wordsFor } from './shape.ts';

interface Section {
  readonly path: string;
  readonly about: string;
  readonly schema: z.ZodObject;
}

const escape = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');
const code = (text: string): string => `\`${text}\``;

const typeWords = (schema: z.ZodType): string => {
  const { core, unit } = shapeOf(schema);
  if (unit) return unit;
  if (core instanceof z.ZodEnum) return core.options.map((option) => code(String(option))).join(', ');
  if (core instanceof z.ZodUnion) return core.options.map((option) => typeWords(option as z.ZodType)).join(' or ');
  if (core instanceof z.ZodArray) return `list of ${typeWords(core.element as z.ZodType)}`;
  if (core instanceof z.ZodTuple && core.def.rest) return `list of ${typeWords(core.def.rest as z.ZodType)}`;
  if (core instanceof z.ZodRecord) return `NAME: ${typeWords(core.valueType as z.ZodType)}`;
  if (core instanceof z.ZodUnknown) return 'anything';
  if (core instanceof z.ZodObject) return 'settings';
  return wordsFor(core).replace(/^an? /, '');
};

function presetWords(schema: z.ZodType): string {
  const { preset, optional, core } = shapeOf(schema);
  if (!optional) return '**required**';
  if (preset === undefined) return '–';
  if (core instanceof z.ZodObject) return 'see below';
  return code(typeof preset === 'string' ? preset : JSON.stringify(preset));
}

/** The objects inside a setting, with the paths under which their keys stand. */
function within(schema: z.ZodType, path: string): Section[] {
  const { core, description } = shapeOf(schema);
  if (core instanceof z.ZodObject) return [{ path, about: description, schema: core }];
  if (core instanceof z.ZodRecord)
    return within(core.valueType as z.ZodType, `${path}.NAME`).map((s) => ({ ...s, about: s.about || description }));
  if (core instanceof z.ZodArray)
    return within(core.element as z.ZodType, `${path}[]`).map((s) => ({ ...s, about: s.about || description }));
  return [];
}

function render({ path, about, schema }: Section, known: Map<unknown, string>): string[] {
  const before = known.get(schema);
  const heading = path === '' ? '## Top level' : `## ${code(path)}`;
  if (before !== undefined) return [heading, about, `The same keys as ${code(before)}.`];
  known.set(schema, path);
  const entries = Object.entries(schema.shape) as [string, z.ZodType][];
  const rows = entries.map(([key, inner]) => {
    const { description } = shapeOf(inner);
    return `| ${code(key)} | ${escape(typeWords(inner))} | ${escape(presetWords(inner))} | ${escape(description)} |`;
  });
  // Checks are the same under the host, but readers look for them under a component.
  const ordered = entries.toSorted(([a], [b]) => Number(a === 'host') - Number(b === 'host'));
  const inner = ordered.flatMap(([key, value]) => within(value, path === '' ? key : `${path}.${key}`));
  return [
    heading,
    about,
    ['| key | type | default | meaning |', '| --- | --- | --- | --- |', ...rows].join('\n'),
    ...inner.flatMap((section) => render(section, known)),
  ];
}

const INTRODUCTION = `# Configuration

One YAML or JSON file, \`paramedic.yaml\` unless \`--config\` or \`PARAMEDIC_CONFIG\` names another. \`paramedic config check\` names
every problem with its line and column, \`paramedic config show\` prints what is in force, with all defaults and without secrets.

- A duration is \`250ms\`, \`5s\`, \`10m\`, \`1h\`, \`7d\` or a number of seconds; a size is \`64KiB\`, \`1GiB\` or a number of bytes; a
  ratio is \`0.95\` or \`95%\`.
- \`\${NAME}\` in a text is replaced by the environment variable, \`\${file:/path}\` by the content of a file (without its last line
  break); \`$\${\` stands for a plain \`\${\`. What comes in is always text, and is shown nowhere.
- Relative paths start from the file's folder.
- What stands under \`defaults\` is merged under every component: maps key by key; a list or a single value of the component replaces
  the default.
- For an editor: \`# yaml-language-server: $schema=paramedic.schema.json\` in the first line, with the output of
  \`paramedic config schema\` in that file.`;

/** Every key with its type, default and meaning, as Markdown; generated, so that it cannot be wrong. */
export function configurationPage(): string {
  const top = render({ path: '', about: '', schema: configSchema }, new Map());
  return [INTRODUCTION, ...top].filter((part) => part !== '').join('\n\n');
}
