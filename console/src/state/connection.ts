/** The stream's connection: reconnects with jittered back-off, asks for a snapshot after a gap. */

import { type Frame, parseFrame } from "../api/stream";
import { waitMs } from "./backoff";
import { EMPTY, type Live, reduce } from "./live";
import { createStore } from "./store";

export type Link = "connecting" | "open" | "closed";

export const live = createStore<Live>(EMPTY);
export const link = createStore<Link>("connecting");
/** True while what the page shows is no longer now. */
export const outdated = createStore(false);

/** Ticks come five times a second; a stream this silent is dead even if TCP has not noticed. */
const SILENCE_MS = 8_000;
const RATE_HZ = 5;

/** Keeps `live` fed until the returned function is called. */
export function connect(url: string): () => void {
  let attempt = 0;
  let socket: WebSocket | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let stopped = false;
  let heardMs = 0;

  const subscribe = (ws: WebSocket) => ws.send(JSON.stringify({ type: "subscribe", vehicles: "*", rate_hz: RATE_HZ }));

  const take = (ws: WebSocket, frame: Frame) => {
    const before = live.get();
    live.update((now) => reduce(now, frame, Date.now()));
    if (live.get().gap && !before.gap) subscribe(ws);
    if (frame.type === "snapshot") attempt = 0;
  };

  const open = () => {
    link.set("connecting");
    const ws = new WebSocket(url);
    socket = ws;
    heardMs = Date.now();
    ws.onopen = () => link.set("open");
    ws.onmessage = (message: MessageEvent<string>) => {
      heardMs = Date.now();
      const frame = parseFrame(message.data);
      if (frame) take(ws, frame);
    };
    ws.onclose = () => {
      if (stopped || socket !== ws) return;
      link.set("closed");
      clearTimeout(timer);
      timer = setTimeout(open, waitMs(attempt++, Math.random()));
    };
  };

  const watchdog = setInterval(() => {
    if (socket?.readyState === WebSocket.OPEN && Date.now() - heardMs > SILENCE_MS) {
      // close() alone may wait long for the other side; the next one is opened at once.
      const dead = socket;
      socket = null;
      dead.close();
      link.set("closed");
      timer = setTimeout(open, waitMs(attempt++, Math.random()));
    }
  }, 1000);

  open();
  return () => {
    stopped = true;
    clearTimeout(timer);
    clearInterval(watchdog);
    socket?.close();
  };
}

export function streamUrl(location: Location): string {
  return `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/api/v1/stream`;
}
