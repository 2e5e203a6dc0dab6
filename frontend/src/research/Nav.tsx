const PLACES = [
  { href: "/run", name: "Agents at play" },
  { href: "/mined", name: "Mined claims" },
];

/** The views for research that belong to no review. `at`: the one that is shown. */
export function Nav({ at }: { at?: string }) {
  return (
    <nav aria-label="Research views" className="places">
      {PLACES.map(({ href, name }) => (
        <a key={href} href={href} aria-current={href === at ? "page" : undefined}>
          {name}
        </a>
      ))}
    </nav>
  );
}
