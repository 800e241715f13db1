import { describe, expect, it, onTestFinished } from 'vitest';
import { loadConfig } from '../../src/config/index.ts';
import { problemsIn, written } from './support.ts';

const component = (lines: string) => `components:\n  gmail:\n    command: [node, gmail.js]\n${lines}\n`;

describe('a bad configuration', () => {
  it.each([
    {
      flaw: 'an unknown key, at the key',
      text: component('    restart:\n      polciy: immediate'),
      problem: '5:7 components.gmail.restart.polciy: unknown key "polciy"; did you mean "policy"?',
    },
    {
      flaw: 'an unknown key at the top',
      text: 'listn: 1',
      problem: '1:1 listn: unknown key "listn"; did you mean "listen"?',
    },
    { flaw: 'an unknown key like no other', text: 'xyzzy: 1', problem: '1:1 xyzzy: unknown key "xyzzy"' },
    {
      flaw: 'settings in place of a text, one of them called length',
      text: 'state_dir: { length: { any: 1 } }',
      problem: '1:12 state_dir: expected text, got settings (key: value)',
    },
    {
      flaw: 'a rule of remediation for nobody',
      text: `${component('')}remediation:\n  rules:\n    - match: { alertname: Down }\n      action: { restart: { component: gmial } }`,
      problem:
        '8:39 remediation.rules[0].action.restart.component: no component is named "gmial"; did you mean "gmail"?',
    },
    {
      flaw: 'a rule of remediation with a bad template',
      text: `remediation:\n  rules:\n    - match: { alertname: Down }\n      action: { stop: { component: '{{ component }}' } }`,
      problem:
        '4:36 remediation.rules[0].action.stop.component: expected {{ labels.NAME }} or {{ annotations.NAME }}, got "{{ component }}"',
    },
    {
      flaw: 'a rule of remediation that asks for two things',
      text: `remediation:\n  rules:\n    - match: { a: b }\n      action: { stop: { component: '{{ labels.c }}' }, start: { component: '{{ labels.c }}' } }`,
      problem:
        '4:15 remediation.rules[0].action: expected exactly one of restart, start, stop, checkpoint, degrade, got settings (key: value)',
    },
    {
      flaw: 'a wrong type',
      text: component('    restart:\n      max_restarts: many'),
      problem: '5:21 components.gmail.restart.max_restarts: expected a whole number ≥ 0, got "many"',
    },
    {
      flaw: 'a number out of its range',
      text: component('    checks: { api: { tcp: { port: 70000 } } }'),
      problem: '4:35 components.gmail.checks.api.tcp.port: expected a whole number from 1 to 65535, got 70000',
    },
    {
      flaw: 'a value that is none of the allowed',
      text: component('    priority: urgent'),
      problem: '4:15 components.gmail.priority: expected one of critical, high, medium, low, got "urgent"',
    },
    {
      flaw: 'a bad duration',
      text: component('    stop: { timeout: 5 minutes }'),
      problem:
        '4:22 components.gmail.stop.timeout: expected a duration such as 250ms, 5s, 10m, 1h, 7d or a number of seconds, got "5 minutes"',
    },
    {
      flaw: 'neither word nor duration where both are allowed',
      text: component('    checks: { api: { tcp: { port: 1 }, interval: often } }'),
      problem:
        '4:50 components.gmail.checks.api.interval: expected one of critical, standard, extended or a duration such as 250ms, 5s, 10m, 1h, 7d or a number of seconds, got "often"',
    },
    {
      flaw: 'no way to run, at the component',
      text: 'components:\n  gmail:\n    priority: high\n',
      problem:
        '2:3 components.gmail: does not say how it runs: give one of command, commands, systemd, container, deployment or parent',
    },
    {
      flaw: 'two ways to run, at the second',
      text: component('    commands: { start: [a], stop: [b], status: [c] }'),
      problem: '4:5 components.gmail.commands: excludes "command": a component runs in exactly one way',
    },
    {
      flaw: 'a Docker behind SSH',
      text: 'components: { db: { container: { name: db, host: "ssh://far" } } }',
      problem:
        '1:50 components.db.container.host: ssh:// is not spoken here: forward the socket (ssh -nNT -L /PATH/docker.sock:/var/run/docker.sock HOST) and name unix:///PATH/docker.sock',
    },
    {
      flaw: 'a name of a unit that could be an option',
      text: 'components: { db: { systemd: { unit: "a b" } } }',
      problem: '1:38 components.db.systemd.unit: expected the name of a unit such as nginx.service, got "a b"',
    },
    {
      flaw: 'a check of processes that nobody knows',
      text: 'components:\n  api:\n    deployment: { name: api }\n    checks: { self: { process: { max_memory: 1GiB } } }\n',
      problem:
        '4:23 components.api.checks.self.process: nobody tells what runs for a component with "deployment": give a name, or use another check',
    },
    {
      flaw: 'a word of an engine that there is not',
      text: component('    checks: { self: { engine: {} } }'),
      problem:
        '4:23 components.gmail.checks.self.engine: a component with "command" has no engine that tells how well it is',
    },
    {
      flaw: 'a folder for what an engine runs',
      text: 'components:\n  db:\n    systemd: { unit: db }\n    env: { A: 1 }\n',
      problem: '4:5 components.db.env: only a component with "command" has this, not one with "systemd"',
    },
    {
      flaw: 'what only a process of ours has',
      text: 'components:\n  db:\n    commands: { start: [a], stop: [b], status: [c] }\n    nice: 5\n',
      problem: '4:5 components.db.nice: only a component with "command" has this, not one with "commands"',
    },
    {
      flaw: 'a command that is no list',
      text: 'components: { gmail: { command: node gmail.js } }',
      problem: '1:33 components.gmail.command: expected a list: the program and its arguments, got "node gmail.js"',
    },
    {
      flaw: 'a key without a value',
      text: 'components:\n  gmail:\n',
      problem: '2:9 components.gmail: expected settings (key: value), got nothing',
    },
    {
      flaw: 'a bad component name',
      text: 'components: { "g mail": { command: [x] } }',
      problem: '1:15 components."g mail": expected a name of letters, digits, _ and - (at most 64), got "g mail"',
    },
    {
      flaw: 'a bad breaker name',
      text: 'breakers: { "gpt api": {} }',
      problem: '1:13 breakers."gpt api": expected a name of letters, digits, _ and - (at most 64), got "gpt api"',
    },
    {
      flaw: 'a breaker that no failure opens',
      text: 'breakers: { gpt: { failure_threshold: 0 } }',
      problem: '1:39 breakers.gpt.failure_threshold: expected a whole number from 1 to 1000, got 0',
    },
    {
      flaw: 'a breaker that is never open',
      text: 'breakers: { gpt: { recovery_timeout: 0 } }',
      problem: '1:38 breakers.gpt.recovery_timeout: expected a duration longer than 0, got 0',
    },
    {
      flaw: 'a breaker with a bad duration',
      text: 'breakers: { gpt: { failure_window: soon } }',
      problem:
        '1:36 breakers.gpt.failure_window: expected a duration such as 250ms, 5s, 10m, 1h, 7d or a number of seconds, got "soon"',
    },
    {
      flaw: 'a setting of breakers that does not exist yet',
      text: 'breakers: { gpt: { slow_call: {} } }',
      problem: '1:20 breakers.gpt.slow_call: unknown key "slow_call"',
    },
    {
      flaw: 'a dangling dependency',
      text: component('    depends_on: [memroy]\n  memory: { command: [x] }'),
      problem: '4:18 components.gmail.depends_on[0]: no component is named "memroy"; did you mean "memory"?',
    },
    {
      flaw: 'a collector that is no address',
      text: 'telemetry: { otlp: { endpoint: "collector:4318" } }',
      problem: '1:32 telemetry.otlp.endpoint: expected an address such as http://127.0.0.1:4318, got "collector:4318"',
    },
    {
      flaw: 'a collector without an address',
      text: 'telemetry: { otlp: { timeout: 5s } }',
      problem: '1:14 telemetry.otlp.endpoint: missing required key "endpoint"; expected text',
    },
    {
      flaw: 'a sampling that there is not',
      text: 'telemetry: { traces: { sample_healthy_checks: some } }',
      problem: '1:47 telemetry.traces.sample_healthy_checks: expected one of auto, all, none, got "some"',
    },
    {
      flaw: 'a parent that is not there',
      text: 'components:\n  core: { command: [a] }\n  soul: { parent: cor }\n',
      problem: '3:19 components.soul.parent: no component is named "cor"; did you mean "core"?',
    },
    {
      flaw: 'a component that lives inside itself',
      text: 'components:\n  soul: { parent: soul }\n',
      problem: '2:19 components.soul.parent: "soul" cannot live inside itself',
    },
    {
      flaw: 'a parent without a process of its own',
      text: 'components:\n  core: { command: [a] }\n  soul: { parent: core }\n  spark: { parent: soul }\n',
      problem:
        '4:20 components.spark.parent: "soul" has no process of its own: name the component whose process both live in',
    },
    {
      flaw: 'a parent of whom nothing can be asked',
      text: 'components:\n  db: { systemd: { unit: db } }\n  soul: { parent: db }\n',
      problem:
        '3:19 components.soul.parent: "db" is not run with "command": nothing can be asked of what lives inside it',
    },
    {
      flaw: 'a parent that is not enabled',
      text: 'components:\n  core: { command: [a], enabled: false }\n  soul: { parent: core }\n',
      problem: '3:19 components.soul.parent: "core" is not enabled, but "soul" is and lives inside it',
    },
    {
      flaw: 'a parent that depends on what lives inside it, once',
      text: 'components:\n  core: { command: [a], depends_on: [soul] }\n  soul: { parent: core }\n',
      problem: '2:38 components.core.depends_on[0]: dependency cycle: core → soul → core',
    },
    {
      flaw: 'an environment for what has no process',
      text: 'components:\n  core: { command: [a] }\n  soul: { parent: core, env: { A: 1 } }\n',
      problem: '3:25 components.soul.env: only a component with "command" has this, not one with "parent"',
    },
    {
      flaw: 'a component that depends on itself',
      text: component('    depends_on: [gmail]'),
      problem: '4:18 components.gmail.depends_on[0]: "gmail" cannot depend on itself',
    },
    {
      flaw: 'a feature that depends on nothing that is there',
      text: `${component('    features: [speech]')}degradation:\n  features:\n    tts: { depends_on: [network, gmail, speech, speach] }`,
      problem:
        '7:49 degradation.features.tts.depends_on[3]: no feature or component is named "speach"; did you mean "speech"?',
    },
    {
      flaw: 'a feature that depends on itself',
      text: 'degradation:\n  features:\n    tts: { depends_on: [tts] }',
      problem: '3:25 degradation.features.tts.depends_on[0]: "tts" cannot depend on itself',
    },
    {
      flaw: 'features that depend on each other',
      text: 'degradation:\n  features:\n    a: { depends_on: [b] }\n    b: { depends_on: [a] }',
      problem: '3:23 degradation.features.a.depends_on[0]: dependency cycle: a → b → a',
    },
    {
      flaw: 'a feature with a name that is taken',
      text: 'degradation: { features: { network: {} } }',
      problem: '1:28 degradation.features.network: this name is reserved',
    },
    {
      flaw: 'a warning above what is critical',
      text: 'degradation: { thresholds: { cpu_warning: 95% } }',
      problem:
        '1:28 degradation.thresholds: expected cpu_warning (95%) at most cpu_critical (90%), got settings (key: value)',
    },
    {
      flaw: 'a reading more often than once a second',
      text: 'degradation: { interval: 500ms }',
      problem: '1:26 degradation.interval: expected at least 1s, got "500ms"',
    },
    {
      flaw: 'a command of a feature that is none',
      text: 'degradation: { features: { tts: { on_disable: { command: [] } } } }',
      problem: '1:58 degradation.features.tts.on_disable.command: expected a program to run, got an empty list',
    },
    {
      flaw: 'a fallback too large to be sent about',
      text: `degradation: { features: { tts: { fallback: { message: ${'x'.repeat(4_096)} } } } }`,
      problem: '1:45 degradation.features.tts.fallback: expected at most 4096 characters, got settings (key: value)',
    },
    {
      flaw: 'a dependency cycle, once',
      text: 'components:\n  a: { command: [x], depends_on: [b] }\n  b: { command: [x], depends_on: [c] }\n  c: { command: [x], depends_on: [a] }\n',
      problem: '2:35 components.a.depends_on[0]: dependency cycle: a → b → c → a',
    },
    {
      flaw: 'a dependency that is not enabled',
      text: component('    depends_on: [memory]\n  memory: { command: [x], enabled: false }'),
      problem: '4:18 components.gmail.depends_on[0]: "memory" is not enabled, but "gmail" is and depends on it',
    },
    {
      flaw: 'a bad cron expression',
      text: 'maintenance_windows:\n  - { cron: "99 3 * * *", duration: 2h }\n',
      problem: '2:13 maintenance_windows[0].cron: expected a cron expression such as "0 3 * * *", got "99 3 * * *"',
    },
    {
      flaw: 'a listener that other machines reach',
      text: 'listen: 0.0.0.0:9477\n',
      problem:
        '1:9 listen: "0.0.0.0:9477" can be reached from other machines, and what is said there is not encrypted; listen on 127.0.0.1, or set "insecure_http: true" when the network is trusted',
    },
    {
      flaw: 'a working folder that is not there',
      text: component('    cwd: ./nowhere'),
      problem: '4:10 components.gmail.cwd: no such folder: "./nowhere"',
    },
    {
      flaw: 'a share of the CPU that there is not',
      text: component('    nice: 20'),
      problem: '4:11 components.gmail.nice: expected a whole number from -20 to 19, got 20',
    },
    {
      flaw: 'a user that is neither name nor number',
      text: component('    user: [root]'),
      problem: '4:11 components.gmail.user: expected text or a whole number ≥ 0, got a list',
    },
    {
      flaw: 'a variable that is not set',
      text: component('    env: { KEY: "a ${NOT_SET} b" }'),
      problem: '4:17 components.gmail.env.KEY: the environment variable NOT_SET is not set',
    },
    {
      flaw: 'a file that is not there',
      text: 'state_dir: ${file:./secret}\n',
      problem: '1:12 state_dir: the file ./secret cannot be read (ENOENT)',
    },
    {
      flaw: 'a reference of a form that we do not know',
      text: 'state_dir: ${DIR:-x}\n',
      problem: '1:12 state_dir: cannot replace ${DIR:-x}: expected ${NAME} or ${file:/path}; write $${ for a plain ${',
    },
    {
      flaw: 'something else than settings',
      text: '- a\n- b\n',
      problem: '1:1: expected settings (key: value), got a list',
    },
    {
      flaw: 'the same key twice',
      text: 'listen: a:1\nlisten: b:1\ninsecure_http: true',
      problem: '2:1 listen: the key "listen" is given twice; the first is in line 1',
    },
    {
      flaw: 'an alias without an anchor',
      text: 'state_dir: *x',
      problem: '1:12 state_dir: the alias *x has no anchor before it',
    },
    { flaw: 'a missing quote', text: 'state_dir: "x\n', problem: '2:1: missing closing "quote' },
    {
      flaw: 'a missing bracket',
      text: 'components: { a: 1',
      problem: '1:19: flow map in block collection must be sufficiently indented and end with a }',
    },
    { flaw: 'tabs', text: 'restart:\n\tpolicy: x\n', problem: '2:1: tabs are not allowed as indentation; use spaces' },
    {
      flaw: 'a reference in braces without quotes',
      text: 'restart: { policy: ${P} }\n',
      problem: '1:21: a text with ${…} inside { } or [ ] needs quotes',
    },
    {
      flaw: 'a second document',
      text: 'insecure_http: true\n---\nlisten: b:1\n',
      problem: '2:1: expected one document, got a second one here',
    },
  ])('is told $flaw', ({ text, problem }) => {
    expect(problemsIn(text)).toEqual([`paramedic.yaml:${problem}`]);
  });

  it('is told all its problems at once, in the order of the file', () => {
    const text = `listen: 5
defaults:
  restart: { max_restarts: -1 }
components:
  a: { command: [x], depends_on: [nobody] }
  b:
    command: []
    enabeld: true
`;
    expect(problemsIn(text)).toEqual([
      'paramedic.yaml:1:9 listen: expected text, got 5',
      'paramedic.yaml:3:28 defaults.restart.max_restarts: expected a whole number ≥ 0, got -1',
      'paramedic.yaml:5:35 components.a.depends_on[0]: no component is named "nobody"',
      'paramedic.yaml:7:14 components.b.command: expected a program to run, got an empty list',
      'paramedic.yaml:8:5 components.b.enabeld: unknown key "enabeld"; did you mean "enabled"?',
    ]);
  });

  it('is named as the user named it', () => {
    expect(() => loadConfig('./not/here.yaml')).toThrow(
      './not/here.yaml: no such file; name another one with --config',
    );
  });

  it('is found in JSON like in YAML', () => {
    expect(problemsIn('{\n\t"listen": "127.0.0.1:1",\n\t"restart": { "max": 1 }\n}', {}, 'paramedic.json')).toEqual([
      'paramedic.json:3:15 restart.max: unknown key "max"',
    ]);
  });

  it('never shows what came through ${…} or what is called a secret', () => {
    const file = written('hunter2hunter2\n', 'pw');
    const text = `${component('    priority: ${TOKEN}\n    env: { API_TOKEN: [hush] }')}    depends_on: ["\${file:${file}}"]\n`;
    const problems = problemsIn(text, { TOKEN: 'sesame-sesame' });
    expect(problems).toEqual([
      'paramedic.yaml:4:15 components.gmail.priority: expected one of critical, high, medium, low, got the value of "${TOKEN}"',
      'paramedic.yaml:5:23 components.gmail.env.API_TOKEN: expected text, a number or true or false, got a list',
      'paramedic.yaml:6:18 components.gmail.depends_on[0]: no component is named "***"',
    ]);
  });
});

describe('a component of another user', () => {
  const asRoot = process.getuid?.() === 0;
  const problems = (lines: string) => problemsIn(component(lines)).map((line) => line.replace('paramedic.yaml:', ''));

  it.runIf(asRoot)('names one that is there', () => {
    expect(problems('    user: nobody\n    group: 0\n    nice: -20')).toEqual([]);
    expect(problems('    user: nobdy')).toEqual(['4:11 components.gmail.user: no user is named "nobdy"']);
    expect(problems('    user: nobody\n    group: nogrp')).toEqual([
      '5:12 components.gmail.group: no group is named "nogrp"',
    ]);
    expect(problems('    user: 54321')).toEqual([
      '4:11 components.gmail.user: the user 54321 has no primary group that is known: set "group"',
    ]);
  });

  it('needs a daemon that runs as root, as does a larger share of the CPU', () => {
    const real = process.getuid?.bind(process);
    process.getuid = () => 1_000;
    onTestFinished(() => {
      if (real) process.getuid = real;
    });
    expect(problems('    user: nobody\n    nice: -1')).toEqual([
      '4:11 components.gmail.user: only a daemon that runs as root can start components as another user or group',
      '5:11 components.gmail.nice: only a daemon that runs as root can give a component more of the CPU',
    ]);
    expect(problems('    nice: 19')).toEqual([]);
  });
});
