import type { Command } from 'commander';
import { keyIdOf } from '../checkpoints/cipher.ts';
import type { StateEncryption } from '../checkpoints/schema.ts';
import { configFile, withConfig, type Where } from './options.ts';
import { printJson } from './terminal.ts';

async function check(options: Where): Promise<void> {
  const { loadConfig } = await import('../config/index.ts');
  const file = configFile(options);
  const { config } = loadConfig(file);
  const count = Object.keys(config.components).length;
  console.log(`${file}: good; ${count} component${count === 1 ? '' : 's'}${encryptionText(config.state_encryption)}`);
}

/** By the names of the keys, as `checkpoints list --json` gives them (`key_id`). */
function encryptionText(encryption: StateEncryption): string {
  if (!encryption) return '';
  const before = encryption.previous_keys.map(keyIdOf);
  const former = before.length === 0 ? '' : `; what ${before.join(' and ')} has encrypted is still read`;
  return `; states are encrypted with the key ${keyIdOf(encryption.key)}${former}`;
}

async function show(options: Where & { json?: boolean }): Promise<void> {
  const { loadConfig, toYaml } = await import('../config/index.ts');
  const { masked } = loadConfig(configFile(options));
  if (options.json) printJson(masked);
  else process.stdout.write(toYaml(masked));
}

async function schema(): Promise<void> {
  const { jsonSchema } = await import('../config/index.ts');
  printJson(jsonSchema());
}

export function addConfig(program: Command): void {
  const command = program.command('config').description('the configuration file');
  withConfig(command.command('check')).description('name every problem with its line and column').action(check);
  withConfig(command.command('show'))
    .description('what is in force: every default filled in, secrets masked')
    .option('--json', 'as JSON')
    .action(show);
  command.command('schema').description('the JSON Schema, for editors').action(schema);
}
