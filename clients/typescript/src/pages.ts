/** Reads lists page by page. */

import { PAGES } from "./generated/tables.js";

type Query = Record<string, unknown>;
type Page = Record<string, unknown>;
type Read = (query: Query) => Promise<Page>;

interface Paging {
  by: "page_token" | "offset" | "skip" | "before";
  list: string | null;
}

/** Yields every page of a list from where `query` begins. */
export async function* pagesOf(path: string, query: Query, read: Read): AsyncGenerator<Page, void, undefined> {
  const { by } = (PAGES as Record<string, Paging>)[path] as Paging;
  let next: Query | undefined = query;
  while (next) {
    const page: Page = await read(next);
    yield page;
    next = by === "page_token" ? afterToken(next, page) : afterItems(by, next, itemsIn(path, page));
  }
}

/** Returns the items of a page. */
export function itemsIn(path: string, page: unknown): unknown[] {
  const { list } = (PAGES as Record<string, Paging>)[path] as Paging;
  return (list ? (page as Page)[list] : page) as unknown[];
}

function afterToken(query: Query, page: Page): Query | undefined {
  return page.next_page_token ? { ...query, page_token: page.next_page_token } : undefined;
}

/** Products do not say which page is the last: it is the one that has fewer than asked for. */
function afterItems(by: "offset" | "skip" | "before", query: Query, items: unknown[]): Query | undefined {
  if (items.length === 0 || items.length < Number(query.limit ?? 0)) return undefined;
  if (by === "before") return { ...query, before: (items.at(-1) as { id: number }).id };
  return { ...query, [by]: Number(query[by] ?? 0) + items.length };
}
