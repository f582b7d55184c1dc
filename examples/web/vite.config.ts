import { defineConfig } from "vite";

// Where the backend of ../backend listens, for `npm run dev`.
const backend = process.env.BACKEND_URL ?? "http://localhost:8787";

export default defineConfig({
  // Prelude's SDK carries its WebAssembly inside itself, which makes one large file.
  build: { target: "es2022", modulePreload: { polyfill: false }, chunkSizeWarningLimit: 700 },
  // Prelude's SDK starts a worker beside itself, which Vite's development server must not move.
  optimizeDeps: { exclude: ["@prelude.so/js-sdk"], include: ["@prelude.so/js-sdk > browser-tabs-lock"] },
  server: { proxy: { "/api": backend, "/officer": backend } },
});
