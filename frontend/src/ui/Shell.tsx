import { ActionIcon, Tooltip, useComputedColorScheme, useMantineColorScheme } from "@mantine/core";
import type { ReactNode } from "react";
import { go } from "../router";

/** What every view stands in: the bar at the top, and once, at the bottom, what this is for. */
export function Shell({ bar, children }: { bar?: ReactNode; children: ReactNode }) {
  return (
    <>
      <a className="skip" href="#main">
        Skip to the content
      </a>
      <header className="top">
        <Home />
        <div className="top-rest">{bar}</div>
        <Scheme />
      </header>
      <main id="main" tabIndex={-1}>
        {children}
      </main>
      <footer className="foot">For research and decision support. A clinician decides.</footer>
    </>
  );
}

function Home() {
  return (
    <a
      className="home"
      aria-label="PolypharmacyEnv: open a patient"
      href="/"
      onClick={(event) => {
        if (event.metaKey || event.ctrlKey) return;
        event.preventDefault();
        go("/");
      }}
    >
      <img src="/assets/icon.svg" alt="" width={24} height={24} />
      <span>PolypharmacyEnv</span>
    </a>
  );
}

function Scheme() {
  const { setColorScheme } = useMantineColorScheme();
  const other = useComputedColorScheme("light") === "dark" ? "light" : "dark";
  return (
    <Tooltip label={`Use ${other} colours`}>
      <ActionIcon variant="subtle" color="gray" size="lg" aria-label={`Use ${other} colours`} onClick={() => setColorScheme(other)}>
        <svg viewBox="0 0 16 16" width="18" height="18" aria-hidden="true">
          <circle cx="8" cy="8" r="6.2" fill="none" stroke="currentColor" strokeWidth="1.6" />
          <path d="M8 1.8a6.2 6.2 0 0 1 0 12.4z" fill="currentColor" />
        </svg>
      </ActionIcon>
    </Tooltip>
  );
}
