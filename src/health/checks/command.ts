import { z } from 'zod';
import { defineCheck, healthy, unhealthy } from '../check.ts';
import { runCommand } from '../run-command.ts';

const OUTPUT_BYTES = 4_096;

const code = z.number().int().min(0).max(255);

export const command = defineCheck({
  kind: 'command',
  summary: 'Healthy while a command ends with the expected exit code; its last line of output is the message.',
  options: z.strictObject({
    command: z.tuple([z.string().min(1)], z.string()).describe('The program and its arguments; never through a shell.'),
    expect_exit: z
      .union([code, z.array(code).min(1)])
      .default(0)
      .describe('Exit code, or list of them, that is well.'),
  }),
  async run({ command: program, expect_exit }, context) {
    const { exit, by, notStarted, output } = await runCommand(program, context, OUTPUT_BYTES);
    if (notStarted !== null) return unhealthy(`could not start "${program[0]}": ${notStarted}`);
    const line = output.trimEnd().split('\n').at(-1)?.trim() ?? '';
    const how = by === null ? `exit ${exit}` : `ended by ${by}`;
    const well = exit !== null && [expect_exit].flat().includes(exit);
    return well ? healthy(line || how) : unhealthy(line ? `${how}: ${line}` : how);
  },
});
