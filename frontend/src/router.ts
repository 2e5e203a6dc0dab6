/** Where the page is: its path and query, kept in the address bar. */
import { useSyncExternalStore } from "react";

const listeners = new Set<() => void>();
const tell = () => listeners.forEach((listener) => listener());
window.addEventListener("popstate", tell);

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function useLocation(): URL {
  return new URL(useSyncExternalStore(subscribe, () => window.location.href));
}

export function go(to: string, replace = false): void {
  if (replace) history.replaceState(null, "", to);
  else history.pushState(null, "", to);
  tell();
}

/** One parameter of the address, and how to set it (null: remove). */
export function useParam(name: string): [string | null, (value: string | null) => void] {
  const here = useLocation();
  return [
    here.searchParams.get(name),
    (value) => {
      const next = new URL(window.location.href);
      if (value === null) next.searchParams.delete(name);
      else next.searchParams.set(name, value);
      go(next.pathname + next.search, true);
    },
  ];
}
