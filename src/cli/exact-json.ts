/** Numbers keep the digits that they were sent with: those beyond 2^53 would come out as others. */
interface ExactJson {
  parse(
    text: string,
    reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown,
  ): unknown;
  /** What `JSON.stringify` writes as it is. */
  rawJSON(source: string): object;
}
const { parse, rawJSON } = JSON as unknown as ExactJson;

/** Parses what is to be written again only: in the place of a number that JavaScript would write otherwise is an object. */
export const parseExactly = (text: string): unknown =>
  parse(text, (_, value, { source }) =>
    typeof value === 'number' && source !== undefined && String(value) !== source ? rawJSON(source) : value,
  );
