import { realpathSync, statSync } from 'node:fs';
import { userInfo } from 'node:os';
import { delimiter, dirname, isAbsolute, join, resolve } from 'node:path';
import { canSendDatagrams } from './datagram.ts';
import type { Scope, ServiceFacts } from './facts.ts';
import type { Run } from './manager.ts';

export interface Wish {
  readonly name: string;
  readonly scope: Scope;
  /** Whose rights the daemon has; the owner of the configuration unless said. */
  readonly runAs: string | undefined;
  /** As the user named it; it exists. A folder stands for the `paramedic.yaml` inside. */
  readonly config: string;
  readonly stateDir: string;
}

/** Who may write the configuration decides what runs: a daemon of root's on a file of another's would make that one root. */
function ownerOf(config: string, run: Run): string {
  const { uid } = statSync(config);
  const { code, out } = run('id', '-un', String(uid));
  return code === 0 ? out.trim() : String(uid);
}

/** Without what npm puts in front for the time of one script. */
const lasting = (path: string): string =>
  [...new Set(path.split(delimiter))]
    .filter((folder) => isAbsolute(folder) && !/[/\\]node_modules[/\\]|node-gyp-bin/.test(folder))
    .join(delimiter);

/** What a unit says of the daemon that this very program would be. */
export function gatherFacts({ name, scope, runAs, config, stateDir }: Wish, run: Run): ServiceFacts {
  const main = realpathSync(process.argv[1] ?? '');
  return {
    name,
    scope,
    node: process.execPath,
    main,
    config: resolve(config),
    stateDir,
    path: lasting(process.env['PATH'] ?? ''),
    user: scope === 'user' ? userInfo().username : (runAs ?? ownerOf(config, run)),
    speaksItself: canSendDatagrams(),
    // Beside src/ as beside dist/.
    readme: join(dirname(main), '..', 'README.md'),
  };
}
