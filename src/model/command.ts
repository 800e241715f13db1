/** What a component can be told over its command line. */
export const commandKinds = ['get_state', 'set_state', 'shutdown', 'restart', 'reload', 'breaker'] as const;
export type CommandKind = (typeof commandKinds)[number];
