import "./link";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { LatchkeyProvider } from "latchkey-client/react";
import { App } from "./App";
import { session } from "./session";
import "./style.css";

createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <LatchkeyProvider client={session}>
      <App />
    </LatchkeyProvider>
  </StrictMode>,
);
