import { MantineProvider } from "@mantine/core";
import "@mantine/core/styles.css";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./App";
import "./app.css";
import { theme } from "./ui/theme";

const client = new QueryClient({
  defaultOptions: {
    queries: { networkMode: "always", retry: false, staleTime: Infinity, refetchOnWindowFocus: false },
    mutations: { networkMode: "always", retry: false },
  },
});

// A part of the page that is not there any more: the server has a newer page than this tab.
window.addEventListener("vite:preloadError", () => window.location.reload());

createRoot(document.getElementById("root") as HTMLElement).render(
  <StrictMode>
    <QueryClientProvider client={client}>
      <MantineProvider theme={theme} defaultColorScheme="auto">
        <App />
      </MantineProvider>
    </QueryClientProvider>
  </StrictMode>,
);
