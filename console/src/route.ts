// The present page and its query, in the address after the `#`, so that a reload, a bookmark and the back
// button lead to the same.
import { signal } from '@preact/signals';

export interface Route {
  /** The parts of the path: `['operations', 'op_…']`. */
  path: string[];
  query: URLSearchParams;
}

export function parse(hash: string): Route {
  const text = hash.replace(/^#\/?/, '');
  const cut = text.indexOf('?');
  const path = cut < 0 ? text : text.slice(0, cut);
  const parts = path.split('/').filter((part) => part !== '').map(decode);
  return {
    path: parts.length === 0 ? ['operations'] : parts,
    query: new URLSearchParams(cut < 0 ? '' : text.slice(cut + 1)),
  };
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** The address of a page, for a link. */
export function href(path: string[], query: Record<string, string> | URLSearchParams = {}): string {
  const text = new URLSearchParams(query).toString();
  return `#/${path.map(encodeURIComponent).join('/')}${text === '' ? '' : `?${text}`}`;
}

/** The API's path of a dataset: a slash in a symbol is `~` there, which no symbol has. */
export function dataset({ symbol, timeframe }: { symbol: string; timeframe: string }): string {
  return `/data/${encodeURIComponent(symbol.replaceAll('/', '~'))}/${encodeURIComponent(timeframe)}`;
}

export const route = signal<Route>(parse(location.hash));

addEventListener('hashchange', () => {
  route.value = parse(location.hash);
});

/** Opens a page. */
export function go(path: string[], query: Record<string, string> | URLSearchParams = {}): void {
  location.hash = href(path, query);
}

/** Changes the query of the present page, without a step in the browser's history. */
export function refine(query: URLSearchParams): void {
  history.replaceState(null, '', href(route.value.path, query));
  route.value = parse(location.hash);
}
