import "./styles/base.css";
import "./styles/panels.css";
import "./styles/map.css";
import "./styles/desk.css";
import "./styles/replay.css";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./App";
import { keepTrial } from "./divert/manoeuvre";
import { keepPreview } from "./plan/previewing";
import { connect, streamUrl } from "./state/connection";

const root = document.getElementById("root");
if (!root) throw new Error("index.html has no #root");

connect(streamUrl(window.location));
keepPreview();
keepTrial();
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
