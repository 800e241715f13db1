import { z } from 'zod';

/** A frame as the inspector tells it: lines and columns from 0, the file by the number of its script. */
export const frameSchema = z.object({
  functionName: z.string(),
  location: z.object({ scriptId: z.string(), lineNumber: z.number(), columnNumber: z.number().optional() }),
});
export type Frame = z.output<typeof frameSchema>;

const MOST_FRAMES = 50;

/** Frames as an error's stack has them, innermost first: `at inner (/app/agent.js:7:3)`. */
export const stackOf = (frames: readonly Frame[], urls: ReadonlyMap<string, string>): string[] =>
  frames.slice(0, MOST_FRAMES).map(({ functionName, location: { scriptId, lineNumber, columnNumber = 0 } }) => {
    const file = urls.get(scriptId)?.replace(/^file:\/\//, '') || '<anonymous>';
    const place = `${file}:${lineNumber + 1}:${columnNumber + 1}`;
    return functionName === '' ? `at ${place}` : `at ${functionName} (${place})`;
  });
