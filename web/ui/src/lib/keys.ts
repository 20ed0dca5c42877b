// Keyboard shortcuts: single keys and two-key sequences, never while typing.

type Handler = (e: KeyboardEvent) => void;

function typing(e: KeyboardEvent): boolean {
  // A button that was disabled while it worked has given its focus away.
  if (document.querySelector('dialog[open]')) return true;
  const el = e.target as HTMLElement | null;
  if (!el || typeof el.closest !== 'function') return false;
  return el.isContentEditable || (el.matches('input, select, textarea') && !el.matches('input[type=range], input[type=checkbox]'));
}

/** shortcuts listens until the returned function is called. */
export function shortcuts(map: Record<string, Handler>): () => void {
  let first = '';
  let timer = 0;
  const onkey = (e: KeyboardEvent) => {
    if (e.ctrlKey || e.metaKey || e.altKey || typing(e)) return;
    const pair = first ? `${first} ${e.key}` : '';
    first = '';
    clearTimeout(timer);
    const handler = map[pair] ?? map[e.key];
    if (handler) {
      if (e.key.length === 1) e.preventDefault();
      handler(e);
      return;
    }
    if (Object.keys(map).some((k) => k.startsWith(e.key + ' '))) {
      first = e.key;
      timer = window.setTimeout(() => (first = ''), 900);
    }
  };
  addEventListener('keydown', onkey);
  return () => {
    removeEventListener('keydown', onkey);
    clearTimeout(timer);
  };
}
