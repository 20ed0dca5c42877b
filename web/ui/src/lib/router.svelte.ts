// Pages by path. A page is a folder of the address, its state the query string.

export type Page = 'compare' | 'live' | 'shipments' | 'carnets' | 'borders' | 'rules' | 'alerts' | 'fences' | 'signin' | 'share';

const pages: readonly Page[] = ['compare', 'live', 'shipments', 'carnets', 'borders', 'rules', 'alerts', 'fences', 'signin', 'share'];

function pageOf(path: string): Page {
  const name = path.split('/')[1] ?? '';
  return pages.find((p) => p === name) ?? 'compare';
}

class Router {
  page = $state<Page>('compare');
  search = $state('');

  start() {
    const read = () => {
      this.page = pageOf(location.pathname);
      this.search = location.search;
    };
    read();
    addEventListener('popstate', read);
  }

  go(page: Page, search = '') {
    if (search && !search.startsWith('?')) search = '?' + search;
    history.pushState(null, '', `/${page}${search}`);
    this.page = page;
    this.search = search;
    if (typeof scrollTo === 'function') scrollTo(0, 0);
  }

  /** replace changes the state of the page without a step in the history. */
  replace(search: string) {
    if (search && !search.startsWith('?')) search = '?' + search;
    history.replaceState(null, '', location.pathname + search);
    this.search = search;
  }
}

export const router = new Router();

/** follow makes a link go through the router, leaving modified clicks alone. */
export function follow(page: Page, search = '') {
  return (e: MouseEvent) => {
    if (e.defaultPrevented || e.button !== 0 || e.metaKey || e.ctrlKey || e.shiftKey || e.altKey) return;
    e.preventDefault();
    router.go(page, search);
  };
}
