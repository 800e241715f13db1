import { errorCodes, failure } from '../src/errors.ts';

/** Stands for any parameters: each reads as its own name. */
const placeholders = new Proxy({}, { get: (_, key) => (key === 'problems' ? ['‹problems›'] : `‹${String(key)}›`) });

/** Every error code with its HTTP status, exit code and sentence, as Markdown. */
export function errorsPage(): string {
  const rows = errorCodes.map(({ code, http, exit }) => {
    const sentence = failure(code, placeholders as never).message.replaceAll('|', '\\|');
    return `| \`${code}\` | ${http} | ${exit} | ${sentence} |`;
  });
  return `# Errors

Errors over HTTP are \`application/problem+json\` with the \`code\` of this table; the command line writes the same sentence to stderr and
ends with the exit code: 1 what was asked for failed, 2 usage or configuration, 3 no daemon is running.

| code | HTTP status | exit code | sentence |
| --- | --- | --- | --- |
${rows.join('\n')}
`;
}
