import { useEffect, useState } from 'preact/hooks';

/** What the middle of the page shows; kept in the fragment so that reload, back and forward work. */
export type View = { readonly kind: 'home' } | { readonly kind: 'category'; readonly key: string };

export function viewHref(view: View): string {
  return view.kind === 'home' ? '#/' : `#/category/${encodeURIComponent(view.key)}`;
}

export function parseView(hash: string): View {
  const encoded = /^#\/category\/(.+)$/.exec(hash)?.[1];
  if (encoded === undefined) return { kind: 'home' };
  try {
    return { kind: 'category', key: decodeURIComponent(encoded) };
  } catch {
    // A fragment typed by hand that is no valid encoding names no category.
    return { kind: 'home' };
  }
}

export function useView(): View {
  const [hash, setHash] = useState(location.hash);
  useEffect(() => {
    const update = (): void => setHash(location.hash);
    addEventListener('hashchange', update);
    return () => removeEventListener('hashchange', update);
  }, []);
  return parseView(hash);
}
