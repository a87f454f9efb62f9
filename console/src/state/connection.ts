/** The stream's connection: reconnects when it is told to or with jittered back-off, and goes on where it was. */

import { type Frame, parseFrame, Reader, type Subscribe, type WireFrame } from "../api/stream";
import type { Bounds } from "../geo/geo";
import { waitMs } from "./backoff";
import { EMPTY, type Live, reduce } from "./live";
import { createStore } from "./store";

export type Link = "connecting" | "open" | "closed";

export const live = createStore<Live>(EMPTY);
export const link = createStore<Link>("connecting");
/** True while what the page shows is no longer now. */
export const outdated = createStore(false);

/** Something comes every second; a stream this silent is dead even if TCP has not noticed. */
const SILENCE_MS = 8_000;
const RATE_HZ = 5;
const PROTOCOL = "bailu.v1+json";
/** With more vehicles than this only those on the map are told of quickly. */
const MANY = 200;
const AREA_MS = 300;

const viewport = createStore<Bounds | null>(null);

/** Tells the stream which part of the world the map shows. */
export const showArea = (bounds: Bounds): void => viewport.set(bounds);

/** Whom a stream feeds. */
export interface Sink {
  take(frame: Frame): void;
  link(state: Link): void;
  /** How many vehicles it shows: of many, only those on the map are told of quickly. */
  vehicles(): number;
}

const LIVE: Sink = {
  take: (frame) => live.update((now) => reduce(now, frame, Date.now())),
  link: (state) => link.set(state),
  vehicles: () => live.get().vehicles.size,
};

/** Keeps the sink fed until the returned function is called. */
export function connect(url: string, sink: Sink = LIVE): () => void {
  let attempt = 0;
  let socket: WebSocket | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let stopped = false;
  let heardMs = 0;

  let retryMs: number | null = null;
  let areaTimer: ReturnType<typeof setTimeout> | undefined;
  let asked: Bounds | null = null;
  const reader = new Reader();

  const subscribe = (ws: WebSocket) => {
    asked = wantedArea(sink);
    const resume = ws === fresh ? reader.position : null;
    const wanted = { type: "subscribe", vehicles: "*", rate_hz: RATE_HZ, area: asked, resume } satisfies Subscribe;
    ws.send(JSON.stringify(wanted));
    fresh = null;
  };
  let fresh: WebSocket | null = null;

  /** The area again when it is another one; changing it costs the service one tick. */
  const follow = () => {
    clearTimeout(areaTimer);
    areaTimer = setTimeout(() => {
      if (socket?.readyState === WebSocket.OPEN && String(wantedArea(sink)) !== String(asked)) subscribe(socket);
    }, AREA_MS);
  };

  const take = (message: WireFrame) => {
    const frame = reader.read(message);
    if (message.type === "snapshot" || message.type === "resumed") attempt = 0;
    if (message.type === "bye") retryMs = message.retry_after_s === null ? null : message.retry_after_s * 1000;
    if (frame) sink.take(frame);
    if (message.type === "snapshot") follow();
  };

  const open = () => {
    sink.link("connecting");
    const ws = new WebSocket(url, PROTOCOL);
    socket = ws;
    heardMs = Date.now();
    fresh = ws;
    retryMs = null;
    ws.onopen = () => {
      sink.link("open");
      subscribe(ws);
    };
    ws.onmessage = (message: MessageEvent<string>) => {
      heardMs = Date.now();
      const frame = parseFrame(message.data);
      if (frame) take(frame);
    };
    ws.onclose = () => {
      if (stopped || socket !== ws) return;
      sink.link("closed");
      clearTimeout(timer);
      timer = setTimeout(open, retryMs ?? waitMs(attempt++, Math.random()));
    };
  };

  const watchdog = setInterval(() => {
    if (socket?.readyState === WebSocket.OPEN && Date.now() - heardMs > SILENCE_MS) {
      // close() alone may wait long for the other side; the next one is opened at once.
      const dead = socket;
      socket = null;
      dead.close();
      sink.link("closed");
      timer = setTimeout(open, waitMs(attempt++, Math.random()));
    }
  }, 1000);

  const unwatch = viewport.subscribe(follow);
  open();
  return () => {
    stopped = true;
    unwatch();
    clearTimeout(areaTimer);
    clearTimeout(timer);
    clearInterval(watchdog);
    socket?.close();
  };
}

/** What is asked for: the map's corner once there are many vehicles; null: everywhere. */
function wantedArea({ vehicles }: Sink): Bounds | null {
  const bounds = viewport.get();
  if (!bounds || vehicles() <= MANY) return null;
  const [west, south, east, north] = bounds;
  return east - west >= 360 ? null : [wrapped(west), Math.max(south, -90), wrapped(east), Math.min(north, 90)];
}

const wrapped = (lon: number): number => ((((lon + 180) % 360) + 360) % 360) - 180;

/** Where `path` of this service is streamed. */
export function streamUrl(location: Pick<Location, "protocol" | "host">, path = "/api/v1/stream"): string {
  return `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}${path}`;
}
