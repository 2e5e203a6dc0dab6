import react from "@vitejs/plugin-react";
import type { ProxyOptions } from "vite";
import { defineConfig } from "vitest/config";

const SERVER = process.env.POLYPHARMACY_SERVER ?? "http://127.0.0.1:7860";
const API = ["/reviews", "/agent", "/agents", "/runs", "/bandit", "/health", "/metadata", "/docs", "/openapi.json"];

/** The server refuses what other pages send; what this one sends is passed on as the server's own, and nothing else. */
const asOwn: NonNullable<ProxyOptions["configure"]> = (proxy) => {
  proxy.on("proxyReq", (sent, got) => {
    if (got.headers.origin === `http://${got.headers.host}`) sent.setHeader("origin", SERVER);
  });
};

export default defineConfig({
  plugins: [react()],
  build: {
    outDir: "../src/polypharmacy/ui",
    emptyOutDir: true,
    target: "es2023",
    cssTarget: ["chrome125", "firefox128", "safari18"], // light-dark() as it stands
    chunkSizeWarningLimit: 900,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: {
    host: "127.0.0.1",
    port: 5173,
    fs: { allow: [".."] },
    proxy: Object.fromEntries(API.map((path) => [path, { target: SERVER, changeOrigin: true, configure: asOwn }])),
  },
  test: { environment: "node", include: ["src/**/*.test.ts"] },
});
