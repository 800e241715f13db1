import { pathToFileURL } from 'node:url';
import { environmentFile, type ServiceFacts } from './facts.ts';
import { commandLine, UNFIT_PROGRAM, value, word } from './quote.ts';

/** What an ordinary user may not do anyway. Where User= is not root these lines would forbid components sudo as well. */
const ROOT_HARDENING = `
# The daemon is root, and so are its components: what none of them should need. Nothing here hides files, devices or
# processes, for components are arbitrary programs. What you may add, and what never works: docs/service.md.
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectHostname=yes
LockPersonality=yes
`;

/** Why there can be no unit of these facts; undefined when there can. */
export function unitProblem({ node, config, main, path, readme }: ServiceFacts): string | undefined {
  if (UNFIT_PROGRAM.test(node)) return `systemd runs no program with quotes or backslashes in its path: ${node}`;
  // oxlint-disable-next-line no-control-regex
  const odd = [config, main, path, readme].find((text) => /[\u0000-\u001f\u007f]/.test(text));
  return odd === undefined ? undefined : `a path holds control characters: ${JSON.stringify(odd)}`;
}

/** The systemd unit of a daemon; the same facts give the same text. */
export function unitText(facts: ServiceFacts): string {
  const { name, scope, node, main, config, path, user, speaksItself, readme } = facts;
  const paramedic = (...args: string[]) => commandLine(node, main, ...args, '--config', config);
  const system = scope === 'system';
  return `# Written by \`paramedic service install\`, and again by the next one. Changes of your own go into a drop-in:
# \`systemctl ${system ? '' : '--user '}edit ${name}\`. Why each line is as it is: docs/service.md.

[Unit]
Description=Paramedic, supervisor of ${value(config)}
Documentation=${value(pathToFileURL(readme).href)}
${system ? 'Wants=network-online.target\nAfter=network-online.target\n' : ''}# However often it dies: what heals others is never given up.
StartLimitIntervalSec=0

[Service]
Type=notify
${speaksItself ? '' : '# koffi is not installed: systemd-notify, another process, speaks for the daemon.\n'}NotifyAccess=${speaksItself ? 'main' : 'all'}
ExecStart=${paramedic('start', '--service')}
ExecReload=/bin/kill -HUP $MAINPID
# A stop of the service leaves the components running, and the next start adopts them.
ExecStop=${paramedic('stop', '--keep-components')}
KillMode=process
Restart=always
RestartSec=1
# A component that runs out of memory is the daemon's business: it restarts that one.
OOMPolicy=continue
# Fed at half of this time while the decision loop ticks: a daemon that hangs is ended, and the next one adopts.
WatchdogSec=30
TimeoutAbortSec=10
# A daemon that is at work asks for more.
TimeoutStartSec=60
TimeoutStopSec=60

${system ? `User=${value(user)}\n` : ''}Environment=${word(`PATH=${path}`)}
# Variables for the \${NAME}s of the configuration; it may be missing.
EnvironmentFile=-${value(environmentFile(config))}

# Components are in the same control group and inherit limits.
LimitNOFILE=524288
TasksMax=infinity
${system && user === 'root' ? ROOT_HARDENING : ''}
[Install]
WantedBy=${system ? 'multi-user.target' : 'default.target'}
`;
}
