import { endOfText } from './json-text.ts';

/*
 * Where values lie in the text of JSON, so that they can be kept as they were sent: whoever parses and writes them anew
 * rounds numbers beyond 2^53, and makes 1.0 of 1. The text has been parsed before: it is known to be valid.
 */

const [QUOTE, ESCAPE, COMMA, COLON, OPENING_BRACE, OPENING_BRACKET] = [0x22, 0x5c, 0x2c, 0x3a, 0x7b, 0x5b];
const [CLOSING_BRACE, CLOSING_BRACKET, SPACE] = [0x7d, 0x5d, 0x20];

const isOpening = (byte: number | undefined): boolean => byte === OPENING_BRACE || byte === OPENING_BRACKET;
const isClosing = (byte: number | undefined): boolean => byte === CLOSING_BRACE || byte === CLOSING_BRACKET;

function afterSpace(json: Uint8Array, from: number): number {
  let at = from;
  while (at < json.length && (json[at] ?? 0) <= SPACE) at++;
  return at;
}

/** @param from where it begins. */
function endOfValue(json: Uint8Array, from: number): number {
  let level = 0;
  for (let at = from; at < json.length; at++) {
    const byte = json[at] ?? 0;
    if (byte === QUOTE) at = endOfText(json, at + 1);
    else if (isOpening(byte)) level++;
    else if (level > 0 && isClosing(byte)) level--;
    // A number or a word ends before what is none of its characters.
    else if (level === 0 && (byte === COMMA || byte <= SPACE || isClosing(byte))) return at;
    if (level === 0 && (byte === QUOTE || isClosing(byte))) return at + 1;
  }
  return json.length;
}

/** The values of a list, each as its own bytes. */
export function elementsIn(json: Uint8Array): Uint8Array[] {
  const elements: Uint8Array[] = [];
  let at = afterSpace(json, afterSpace(json, 0) + 1);
  while (at < json.length && !isClosing(json[at])) {
    const end = endOfValue(json, at);
    elements.push(json.subarray(at, end));
    at = afterSpace(json, end);
    if (json[at] === COMMA) at = afterSpace(json, at + 1);
  }
  return elements;
}

/** The value of a member of an object: of several with one name the last, which is the one that counts. */
export function memberIn(json: Uint8Array, name: string): Uint8Array | undefined {
  let found: Uint8Array | undefined;
  let at = afterSpace(json, afterSpace(json, 0) + 1);
  while (at < json.length && !isClosing(json[at])) {
    const endOfName = endOfText(json, at + 1);
    const colon = afterSpace(json, endOfName + 1);
    if (json[colon] !== COLON) return undefined;
    const from = afterSpace(json, colon + 1);
    const end = endOfValue(json, from);
    if (isNamed(json, at + 1, endOfName, name)) found = json.subarray(from, end);
    at = afterSpace(json, end);
    if (json[at] === COMMA) at = afterSpace(json, at + 1);
  }
  return found;
}

/** @param name of ASCII. */
function isNamed(json: Uint8Array, from: number, end: number, name: string): boolean {
  for (let at = from; at < end; at++) {
    const byte = json[at];
    if (byte === ESCAPE) return JSON.parse(Buffer.from(json.subarray(from - 1, end + 1)).toString()) === name;
    if (byte !== name.charCodeAt(at - from)) return false;
  }
  return end - from === name.length;
}
