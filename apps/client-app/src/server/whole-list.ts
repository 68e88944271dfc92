/** The catalogue of the agent, however many messages it takes. */

/** More than any agent has: its directory and the fleet's bucket are smaller. */
const pagesMax = 200;

/** Asks page by page until there is no more; what the last page says beside its jobs is told. Rejects as `ask` does. */
export async function wholeList<Page extends { items: unknown[]; next_cursor?: string | undefined }>(
  ask: (cursor: string | undefined) => Promise<Page>,
): Promise<Page> {
  let page = await ask(undefined);
  const { items } = page;
  for (let pages = 1; page.next_cursor !== undefined && pages < pagesMax; pages++) {
    page = await ask(page.next_cursor);
    items.push(...page.items);
  }
  return { ...page, items };
}
