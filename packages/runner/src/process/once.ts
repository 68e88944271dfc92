/** Remembers what a system does not change while a program runs, such as the id of its boot: read at the first call only. */
export function once<T>(read: () => T): () => T {
  let known: { readonly value: T } | undefined;
  return () => {
    known ??= { value: read() };
    return known.value;
  };
}
