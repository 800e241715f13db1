import { describe, expect, it } from 'vitest';
import { fillIn, isTemplate, templateProblem } from '../../src/template.ts';

const values = { labels: { component: 'gmail', empty: '' }, annotations: { summary: 'it is down' } };

describe('a template', () => {
  it.each([
    { template: 'gmail', text: 'gmail' },
    { template: '{{ labels.component }}', text: 'gmail' },
    { template: '{{labels.component}}-{{ annotations.summary }}', text: 'gmail-it is down' },
  ])('"$template" becomes "$text"', ({ template, text }) => {
    expect(templateProblem(template)).toBeUndefined();
    expect(fillIn(template, values)).toEqual({ text });
  });

  it.each([
    { template: '{{ labels.absent }}', missing: 'labels.absent' },
    { template: 'x{{ labels.empty }}', missing: 'labels.empty' },
    { template: '{{ labels.toString }}', missing: 'labels.toString' },
    { template: '{{ annotations.component }}', missing: 'annotations.component' },
  ])('"$template" is unusable without $missing', ({ template, missing }) => {
    expect(fillIn(template, values)).toEqual({ missing });
  });

  it.each([
    ['{{ component }}', 'expected {{ labels.NAME }} or {{ annotations.NAME }}, got "{{ component }}"'],
    ['{{ labels.a.b }}', 'expected {{ labels.NAME }} or {{ annotations.NAME }}, got "{{ labels.a.b }}"'],
    ['{{ labels.a', 'expected {{ and }} in pairs'],
    ['labels.a }}', 'expected {{ and }} in pairs'],
  ])('"%s" is refused', (template, problem) => {
    expect(templateProblem(template)).toBe(problem);
  });

  it('is told from a plain name', () => {
    expect([isTemplate('gmail'), isTemplate('{{ labels.component }}')]).toEqual([false, true]);
  });
});
