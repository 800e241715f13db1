import { stringify } from 'yaml';

/** A configuration as the text of a file; long lines stay whole, nothing is said by reference. */
export const toYaml = (value: unknown): string => stringify(value, { aliasDuplicateObjects: false, lineWidth: 0 });
