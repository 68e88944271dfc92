import { useEffect, useMemo, useState } from 'preact/hooks';

/** What the middle of the page shows; kept in the fragment so that reload, back and forward work. */
export type View =
  | { readonly kind: 'home' | 'health' | 'support' }
  /** `id`: the one that a link from outside names. */
  | { readonly kind: 'notifications'; readonly id?: string | undefined }
  | { readonly kind: 'category'; readonly key: string }
  /** A link from outside that asks for a job; it is shown and confirmed, never just run. */
  | { readonly kind: 'job'; readonly id: string };

const plain = { '#/health': 'health', '#/support': 'support' } as const;

export function viewHref(view: View): string {
  switch (view.kind) {
    case 'home':
      return '#/';
    case 'category':
      return `#/category/${encodeURIComponent(view.key)}`;
    case 'job':
      return `#job=${encodeURIComponent(view.id)}`;
    case 'notifications':
      return view.id === undefined ? '#/notifications' : `#notification=${encodeURIComponent(view.id)}`;
    default:
      return `#/${view.kind}`;
  }
}

export function parseView(hash: string): View {
  const [, name, encoded = ''] = /^#(\/category\/|job=|notification=)(.+)$/.exec(hash) ?? [];
  const value = decoded(encoded);
  if (name !== undefined && value !== undefined) {
    if (name === 'job=') return { kind: 'job', id: value };
    return name === 'notification=' ? { kind: 'notifications', id: value } : { kind: 'category', key: value };
  }
  if (hash === '#/notifications') return { kind: 'notifications' };
  return { kind: Object.hasOwn(plain, hash) ? plain[hash as keyof typeof plain] : 'home' };
}

/** Undefined for a fragment typed by hand that is no valid encoding. */
function decoded(encoded: string): string | undefined {
  try {
    return decodeURIComponent(encoded);
  } catch {
    return undefined;
  }
}

export function useView(): View {
  const [hash, setHash] = useState(location.hash);
  useEffect(() => {
    const update = (): void => setHash(location.hash);
    addEventListener('hashchange', update);
    return () => removeEventListener('hashchange', update);
  }, []);
  return useMemo(() => parseView(hash), [hash]);
}
