import type { Response } from 'express';

/**
 * Answers with a JSON object. Members that are bytes are JSON in UTF-8 already: they are neither looked into nor
 * copied, however long they are. They are given away: once they are sent their memory goes back, where the collector
 * would stop everything to look for it.
 */
export function sendJsonParts(response: Response, members: object): void {
  const parts: Uint8Array[] = [];
  let text = '{';
  for (const [name, value] of Object.entries(members) as [string, unknown][]) {
    text += `${text === '{' ? '' : ','}${JSON.stringify(name)}:`;
    if (value instanceof Uint8Array) {
      parts.push(Buffer.from(text), value);
      response.once('finish', () => release(value));
      text = '';
    } else text += JSON.stringify(value);
  }
  parts.push(Buffer.from(`${text}}`));
  const length = parts.reduce((sum, part) => sum + part.byteLength, 0);
  response.setHeader('content-type', 'application/json; charset=utf-8');
  response.setHeader('content-length', length);
  response.cork();
  for (const part of parts) response.write(part);
  response.end();
}

/** Unless they are a part of something larger, as small buffers of Node are. */
function release({ buffer, byteLength }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && !buffer.detached && buffer.byteLength === byteLength) buffer.transfer(0);
}
