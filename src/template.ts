/** What a template may name. */
export interface TemplateValues {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

const PLACE = /\{\{([^{}]*)\}\}/g;
const NAME = /^\s*(labels|annotations)\.([A-Za-z_][A-Za-z0-9_]*)\s*$/;

/** What is wrong with a template, as a sentence; undefined: nothing is. */
export function templateProblem(template: string): string | undefined {
  const bad = [...template.matchAll(PLACE)].find(([, inner = '']) => !NAME.test(inner));
  if (bad) return `expected {{ labels.NAME }} or {{ annotations.NAME }}, got "${bad[0]}"`;
  return /\{\{|\}\}/.test(template.replaceAll(PLACE, '')) ? 'expected {{ and }} in pairs' : undefined;
}

/** It has places to fill in: its value is not known beforehand. */
export const isTemplate = (text: string): boolean => text.includes('{{');

/**
 * Fills in `{{ labels.component }}`. A label that is missing or empty makes the whole text unusable: half a name could
 * be somebody else's.
 * @returns the text, or what is missing.
 */
export function fillIn(
  template: string,
  values: TemplateValues,
): { readonly text: string } | { readonly missing: string } {
  let missing: string | undefined;
  const text = template.replaceAll(PLACE, (_, inner: string) => {
    const [, kind = 'labels', name = ''] = NAME.exec(inner) ?? [];
    const from = kind === 'labels' ? values.labels : values.annotations;
    const value = Object.hasOwn(from, name) ? (from[name] ?? '') : '';
    if (value === '') missing ??= `${kind}.${name}`;
    return value;
  });
  return missing === undefined ? { text } : { missing };
}
