import { buildPage } from '../build-page.mjs';
import { type Board, createBoard } from '../src/run/board.ts';
import { openPageServer, type PageServerLimits } from '../src/server/http.ts';
import { createSession } from '../src/server/session.ts';
import { createMemoryAgent, exampleJobs, type MemoryAgent } from './memory-agent.ts';

export interface PageUnderTest extends AsyncDisposable {
  readonly port: number;
  readonly origin: string;
  /** The address as the program prints it, with its token. */
  readonly url: string;
  readonly token: string;
  readonly board: Board;
  readonly agent: MemoryAgent;
}

let building: ReturnType<typeof buildPage> | undefined;

/** Built once for all tests of a file. */
function builtPage(): ReturnType<typeof buildPage> {
  building ??= buildPage();
  return building;
}

/** The real server and the real page on a free port, with an agent in memory that is connected. */
export async function openPageUnderTest(
  limits: Partial<PageServerLimits> = {},
  prepare: (agent: MemoryAgent) => void = () => undefined,
  { isAlone = false }: { readonly isAlone?: boolean } = {},
): Promise<PageUnderTest> {
  const board = createBoard();
  const agent = createMemoryAgent(exampleJobs);
  const session = createSession();
  const { token } = session.issue();
  const server = await openPageServer({ link: agent, board, page: await builtPage(), session, port: 0, limits });
  prepare(agent);
  if (!isAlone) agent.connect(board);
  const origin = `http://127.0.0.1:${server.port}`;
  return {
    port: server.port,
    origin,
    url: `${origin}/#token=${token}`,
    token,
    board,
    agent,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}
