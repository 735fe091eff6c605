import { readFileSync } from "node:fs";
import react from "@vitejs/plugin-react";
import { defineConfig, loadEnv } from "vite";
import { api } from "./api.mjs";

// What the pages may load and call, and that nobody learns their addresses. In production your web server must send the same.
// `nonce` is for the scripts and styles that Vite writes into a page while you develop.
function headers(service, nonce = "") {
  const policy = [
    "default-src 'none'",
    `script-src 'self'${nonce}`,
    `style-src 'self'${nonce}`,
    "img-src data:",
    `connect-src 'self' ${new URL(service).origin}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ];
  return { "Content-Security-Policy": policy.join("; "), "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff" };
}

export default defineConfig(({ mode, command }) => {
  const { VITE_LATCHKEY_URL: service = "http://localhost:3000" } = loadEnv(mode, ".");
  const yours = api({ service });
  const served = ({ middlewares }) => {
    middlewares.use("/api/hello", (request, response) => void yours(request, response));
  };
  // The certificate of the local server, where it serves HTTPS: README.md.
  const file = process.env.HTTPS_FILE;
  const { certificate: cert, key } = file ? JSON.parse(readFileSync(file, "utf8")) : {};
  return {
    plugins: [react(), { name: "your-api", configureServer: served, configurePreviewServer: served }],
    // For the client that is linked from this repository; one that is installed needs neither this nor `fs`.
    resolve: { dedupe: ["react", "react-dom"] },
    // The service must name the page's origin, so the port must not be another one tomorrow.
    server: {
      port: 5173,
      strictPort: true,
      https: file && { cert, key },
      fs: { allow: [".", "../../clients/typescript"] },
      headers: headers(service, " 'nonce-dev'"),
    },
    html: command === "serve" ? { cspNonce: "dev" } : {},
    preview: { port: 5173, strictPort: true, headers: headers(service) },
  };
});
