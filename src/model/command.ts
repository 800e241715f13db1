/** What a component can be told over its command line. */
export const commandKinds = [
  'get_state',
  'set_state',
  'pause',
  'resume',
  'shutdown',
  'restart',
  'reload',
  'breaker',
  'degradation',
] as const;
export type CommandKind = (typeof commandKinds)[number];
