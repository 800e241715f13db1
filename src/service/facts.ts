/** `system`: started with the machine, by root. `user`: by the user's own manager. */
export type Scope = 'system' | 'user';

/** All that a unit or a plist says of one daemon. Paths are absolute. */
export interface ServiceFacts {
  readonly name: string;
  readonly scope: Scope;
  readonly node: string;
  /** The command line's own file. */
  readonly main: string;
  readonly config: string;
  readonly stateDir: string;
  /** Where components find their programs. */
  readonly path: string;
  /** Whose rights the daemon of a system service has; a service of a user's own has the user's. */
  readonly user: string;
  /** The daemon sends its notifications itself; false: by systemd-notify, another process. */
  readonly speaksItself: boolean;
  readonly readme: string;
}

/** What a file of variables beside the configuration is called. */
export const environmentFile = (config: string): string => `${config.replace(/\.(ya?ml|json)$/, '')}.env`;
