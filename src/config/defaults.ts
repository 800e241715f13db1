/** Used when nobody names another one. Apart from the schema: the command line needs them before it reads anything. */
export const DEFAULT_FILE = 'paramedic.yaml';
export const DEFAULT_STATE_DIR = './.paramedic';
