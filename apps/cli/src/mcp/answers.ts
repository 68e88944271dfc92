/** What a call of a tool answers, in the protocol's form: the document of the command line as data, and the same as text. */
import type { CallToolResult } from '@modelcontextprotocol/server';
import { type Document, envelopeOf, failureOf } from '../answer/answer.ts';
import type { Answer } from '../call/command.ts';
import type { Io } from '../io.ts';
import { CallRefusal } from './tools.ts';

/** A type alone would make an index signature of it that the package's type does not have. */
type Structured = Record<string, unknown>;

/** The error flag of the protocol stays unset: an answer says itself whether it is one (contract, section 8.2). */
export const toolResultOf = (document: Structured): CallToolResult => ({
  content: [{ type: 'text', text: JSON.stringify(document) }],
  structuredContent: document,
});

/** The document that a tool answers with, whatever becomes of the call. Rejects only when the call was given up. */
export async function documentOf(
  answering: Promise<Answer>,
  { io, signal }: { io: Io; signal: AbortSignal },
): Promise<Structured> {
  try {
    return envelopeOf(await answering);
  } catch (error) {
    if (signal.aborted) throw error;
    if (error instanceof CallRefusal) return { isError: true, message: error.message };
    return withoutDetails(failureOf(error, io, 'kanade'));
  }
}

/** Candidates of an ambiguous id stand in the message alone. */
function withoutDetails(document: Document): Structured {
  const { details: _, ...error } = document.error as Structured;
  return { ...document, error };
}
