import * as z from 'zod';

/** A turn in a line of jobs, as callers over HTTP and MCP ask for it. Jobs are named by their ids, or the beginnings of these. */
export const askedTurn = {
  queue: z
    .string()
    .optional()
    .describe('take a turn in this queue: one job at a time, or as many as it has slots; until then it is created'),
  after: z.array(z.string()).optional().describe('start when these jobs have exited with 0'),
  after_any: z.array(z.string()).optional().describe('start when these jobs have ended, however'),
};
