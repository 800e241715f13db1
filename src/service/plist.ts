import { join } from 'node:path';
import type { ServiceFacts } from './facts.ts';

type Value = string | boolean | number | readonly Value[] | { readonly [key: string]: Value };

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };
const text = (raw: string): string => raw.replace(/[&<>]/g, (char) => ENTITIES[char] ?? char);

function element(value: Value, indent: string): string {
  if (typeof value === 'string') return `${indent}<string>${text(value)}</string>`;
  if (typeof value === 'boolean') return `${indent}<${value}/>`;
  if (typeof value === 'number') return `${indent}<integer>${value}</integer>`;
  const deeper = `${indent}  `;
  const isList = (given: object): given is readonly Value[] => Array.isArray(given);
  const [tag, lines] = isList(value)
    ? ['array', value.map((one) => element(one, deeper))]
    : ['dict', Object.entries(value).map(([key, one]) => `${deeper}<key>${text(key)}</key>\n${element(one, deeper)}`)];
  return `${indent}<${tag}>\n${lines.join('\n')}\n${indent}</${tag}>`;
}

/** The launchd property list of a daemon; the same facts give the same text. */
export function plistText({ name, scope, node, main, config, stateDir, path, user }: ServiceFacts): string {
  const output = join(stateDir, 'logs', 'daemon.out');
  const job: Value = {
    Label: name,
    ProgramArguments: [node, main, 'start', '--service', '--config', config],
    RunAtLoad: true,
    KeepAlive: true,
    // Seconds between two starts: ten unless told.
    ThrottleInterval: 1,
    // Seconds for the components to end, before the daemon is killed.
    ExitTimeOut: 60,
    // What the daemon leaves behind when it is killed is left alone.
    AbandonProcessGroup: true,
    EnvironmentVariables: { PATH: path },
    StandardOutPath: output,
    StandardErrorPath: output,
    SoftResourceLimits: { NumberOfFiles: 65_536 },
    ...(scope === 'system' && { UserName: user }),
  };
  return `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
${element(job, '')}
</plist>
`;
}
