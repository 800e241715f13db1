/*
 * What the text of JSON tells before it is parsed, in one pass.
 */

const [QUOTE, ESCAPE, MINUS, PLUS, POINT] = [0x22, 0x5c, 0x2d, 0x2b, 0x2e];
/** `[` and `{`, `]` and `}` differ in one bit; so do `E` and `e`. */
const [OPENING, CLOSING, EXPONENT, BUT_ONE_BIT] = [0x5b, 0x5d, 0x45, 0xdf];
const [ZERO, NINE] = [0x30, 0x39];

const LONG_TEXT = 64;
/** 2^53 has sixteen digits, and 1e308 an exponent of three. */
const [MANY_DIGITS, LONG_EXPONENT] = [16, 3];

export interface JsonText {
  /** How deep it is nested. */
  readonly levels: number;
  /**
   * JavaScript reads and writes it without changing a value: whole numbers beyond 2^53 and numbers beyond 1e308 would
   * come out as others, so such a state is stored as it was sent, always. A fraction is what a double makes of it.
   */
  readonly exact: boolean;
}

/** @param json UTF-8. What is no JSON gets some answer; whoever parses it finds out. */
export function inspectJson(json: Uint8Array): JsonText {
  let level = 0;
  let levels = 0;
  let exact = true;
  for (let at = 0; at < json.length; at++) {
    const byte = json[at] ?? 0;
    if (byte === QUOTE) at = endOfText(json, at + 1);
    else if (isDigit(byte)) {
      const end = endOfNumber(json, at);
      exact &&= isExact(json, at, end);
      at = end - 1;
    } else if ((byte & BUT_ONE_BIT) === OPENING) levels = Math.max(levels, ++level);
    else if ((byte & BUT_ONE_BIT) === CLOSING) level--;
  }
  return { levels, exact };
}

/** The place of the quote that ends a text. @param from where its content begins. */
export function endOfText(json: Uint8Array, from: number): number {
  const long = from + LONG_TEXT;
  for (let at = from; at < json.length; at++) {
    const byte = json[at];
    if (byte === ESCAPE) at++;
    else if (byte === QUOTE) return at;
    // The rest of it is looked for by the runtime, which is faster than a loop of ours.
    else if (at >= long) return endOfLongText(json, at);
  }
  return json.length;
}

/** @param from a place in it that no escape reaches into. */
function endOfLongText(json: Uint8Array, from: number): number {
  for (let quote = json.indexOf(QUOTE, from); quote >= 0; quote = json.indexOf(QUOTE, quote + 1)) {
    let escapes = 0;
    while (quote - escapes > from && json[quote - escapes - 1] === ESCAPE) escapes++;
    if (escapes % 2 === 0) return quote;
  }
  return json.length;
}

const isDigit = (byte: number): boolean => byte >= ZERO && byte <= NINE;

function endOfNumber(json: Uint8Array, from: number): number {
  for (let at = from; at < json.length; at++) {
    const byte = json[at] ?? 0;
    const belongs = isDigit(byte) || byte === POINT || byte === MINUS || byte === PLUS;
    if (!belongs && (byte & BUT_ONE_BIT) !== EXPONENT) return at;
  }
  return json.length;
}

/** A number without its sign: its whole part is short, and so is its exponent, or it is a small number. */
function isExact(json: Uint8Array, from: number, end: number): boolean {
  let digits = 0;
  while (from + digits < end && isDigit(json[from + digits] ?? 0)) digits++;
  if (digits >= MANY_DIGITS) return false;
  for (let at = from + digits; at < end; at++) {
    if (((json[at] ?? 0) & BUT_ONE_BIT) !== EXPONENT) continue;
    const sign = json[at + 1];
    return sign === MINUS || end - at - (sign === PLUS ? 2 : 1) < LONG_EXPONENT;
  }
  return true;
}
