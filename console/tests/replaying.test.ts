import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { backToLive, playFleet, playOn, replaying, seek, setPlaying, setSpeed, toggle } from "../src/replay/replaying";
import { replayed } from "../src/state/picture";
import { openList, openSide, view } from "../src/state/view";

const FROM = "2026-11-20T08:00:00.000Z";
const TO = "2026-11-20T09:00:00.000Z";
const NOW = Date.parse("2026-11-23T12:00:00Z");
const at = (time: string) => `2026-11-20T${time}.000Z`;

interface Asked {
  method: string;
  path: string;
  body: Record<string, unknown>;
}

/** A service with one replay; `answers` makes its answer to a change or a look. */
let asked: Asked[];
let made: number;
let answers: (body: Record<string, unknown>) => Response | Promise<Response>;
/** When a beginning is answered. */
let begins: (made: Response) => Response | Promise<Response>;

const json = (body: object, status = 200) => new Response(JSON.stringify(body), { status, headers: { "content-type": "application/json" } });
const replay = (part: object = {}) => ({
  replay_id: `replay-${made}`, sortie_id: null, from: FROM, to: TO, at: FROM, speed: 10, playing: true, over: false, stream: "/s", ...part,
});
const gone = () => json({ type: "urn:bailu:problem:not-found", title: "", detail: "" }, 404);
const changes = () => asked.filter(({ method }) => method === "PATCH").map(({ body }) => body);

function service(url: string, { method = "GET", body }: RequestInit): Promise<Response> | Response {
  const path = url.replace("/api/v1", "");
  const told = body ? (JSON.parse(String(body)) as Record<string, unknown>) : {};
  asked.push({ method, path, body: told });
  if (path.startsWith("/sorties") || path.startsWith("/alarms")) return json({ items: [] });
  if (method === "DELETE") return new Response(null, { status: 204 });
  if (method === "POST") {
    made += 1;
    return begins(json(replay(), 201));
  }
  return answers(told);
}

/** The stream of the newest replay; `shows` lets the service tell a frame of a moment. */
let stream: Stream;
class Stream {
  static OPEN = 1;
  readyState = 0;
  onmessage: (message: { data: string }) => void = vi.fn();
  close = vi.fn();
  constructor() {
    stream = this;
  }
  shows(time: string): void {
    const besides = { fields: [], vehicles: [], rows: [], sorties: [], alarms: [], commands: [], traffic: [], tracks: {}, links: [], gap: null };
    this.onmessage({ data: JSON.stringify({ type: "snapshot", epoch: "e", seq: 1, at: at(time), ...besides }) });
  }
}

beforeEach(async () => {
  vi.useFakeTimers({ now: NOW });
  asked = [];
  made = 0;
  answers = (body) => json(replay(body));
  begins = (made) => made;
  vi.stubGlobal("fetch", vi.fn(async (url: string, init: RequestInit) => service(url, init)));
  vi.stubGlobal("WebSocket", Stream);
  vi.stubGlobal("window", { location: { protocol: "http:", host: "here" } });
  openList("sorties");
  openSide({ kind: "vehicle", vehicleId: "bl-01" });
  await playFleet(FROM, TO);
});

afterEach(() => {
  backToLive();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe("steering", () => {
  it("asks once for what was changed within a moment", async () => {
    setSpeed(30);
    setPlaying(false);
    seek(Date.parse(at("08:30:00")));
    seek(Date.parse(at("08:31:00")));
    await vi.advanceTimersByTimeAsync(150);
    expect(changes()).toEqual([{ speed: 30, playing: false, at: at("08:31:00") }]);
  });
  it("shows a change before it is answered", () => {
    seek(Date.parse(at("08:30:00")));
    expect(replaying.get()?.tape).toMatchObject({ atMs: Date.parse(at("08:30:00")), playing: true });
  });
  it("is not thrown back by the answer to what is wanted no more", async () => {
    let answer = (_: Response): void => undefined;
    answers = () => new Promise((resolve) => (answer = resolve));
    seek(Date.parse(at("08:10:00")));
    await vi.advanceTimersByTimeAsync(150);
    setPlaying(false);
    seek(Date.parse(at("08:50:00")));
    answer(json(replay({ at: at("08:10:00") })));
    answers = (body) => json(replay({ ...body, playing: false }));
    await vi.advanceTimersByTimeAsync(1);
    expect(replaying.get()?.tape).toMatchObject({ atMs: Date.parse(at("08:50:00")), playing: false });
    await vi.advanceTimersByTimeAsync(300);
    expect(changes()).toHaveLength(2);
  });
  it("is not overwritten by a look that was asked for before it, and answered after it", async () => {
    let late = (_: Response): void => undefined;
    answers = () => new Promise((resolve) => (late = resolve));
    await vi.advanceTimersByTimeAsync(1_000); // the look is on its way
    answers = (body) => json(replay(body));
    setPlaying(false);
    await vi.advanceTimersByTimeAsync(150);
    expect(changes()).toEqual([{ playing: false }]);
    late(json(replay({ playing: true })));
    await vi.advanceTimersByTimeAsync(1);
    expect(replaying.get()?.tape.playing).toBe(false);
  });
  it("follows somebody else, who steers the same replay", async () => {
    answers = () => json(replay({ speed: 60, playing: false }));
    await vi.advanceTimersByTimeAsync(1_000);
    expect(replaying.get()?.tape).toMatchObject({ speed: 60, playing: false });
  });
  it("shows the moment of each frame, and none but those that are told", async () => {
    stream.shows("08:00:04");
    await vi.advanceTimersByTimeAsync(900);
    expect(replaying.get()?.tape.atMs).toBe(Date.parse(at("08:00:04")));
    expect(replayed.get()?.frameAtMs).toBe(Date.parse(at("08:00:04")));
  });
  it("stays where it was put until the frames are there", () => {
    stream.shows("08:00:04");
    seek(Date.parse(at("08:30:00")));
    stream.shows("08:00:05");
    expect(replaying.get()?.tape.atMs).toBe(Date.parse(at("08:30:00")));
    stream.shows("08:30:01");
    expect(replaying.get()?.tape.atMs).toBe(Date.parse(at("08:30:01")));
  });
  it("never leaves its reel", () => {
    seek(Date.parse(TO) + 1);
    expect(replaying.get()?.tape.atMs).toBe(Date.parse(TO));
    seek(0);
    expect(replaying.get()?.tape.atMs).toBe(Date.parse(FROM));
  });
  it("begins again when it is over", async () => {
    setPlaying(false);
    seek(Date.parse(TO));
    toggle();
    await vi.advanceTimersByTimeAsync(150);
    expect(changes()).toEqual([{ playing: true, at: FROM }]);
  });
});

describe("the end", () => {
  it("leaves the page as it was, and the service without the replay", async () => {
    expect(view.get()).toMatchObject({ side: { kind: "vehicle", vehicleId: "bl-01" }, list: "sorties" });
    openSide({ kind: "vehicle", vehicleId: "bl-02" });
    backToLive();
    expect([replaying.get(), replayed.get()]).toEqual([null, null]);
    expect(view.get()).toMatchObject({ side: { kind: "vehicle", vehicleId: "bl-01" }, list: "sorties" });
    await vi.advanceTimersByTimeAsync(5_000);
    expect(asked.at(-1)).toMatchObject({ method: "DELETE", path: "/replays/replay-1" });
  });
  it("by the service is said, and going on begins where it was", async () => {
    setSpeed(30);
    seek(Date.parse(at("08:20:00")));
    setPlaying(false);
    await vi.advanceTimersByTimeAsync(150);
    answers = gone;
    await vi.advanceTimersByTimeAsync(1_000);
    expect(replaying.get()?.gone).toBe(true);
    answers = (body) => json(replay(body));
    await playOn();
    await vi.advanceTimersByTimeAsync(150);
    expect(replaying.get()).toMatchObject({ id: "replay-2", gone: false });
    expect(changes().at(-1)).toEqual({ at: at("08:20:00"), playing: false });
    expect(asked.filter(({ method }) => method === "POST").at(-1)?.body).toMatchObject({ speed: 30 });
    expect(asked.filter(({ method }) => method === "DELETE")).toEqual([]);
  });
  it("and what its sortie flew is kept when it goes on", async () => {
    const flown = { line: [[121, 31, 60]] as [number, number, number][], atMs: [Date.parse(at("08:01:00"))] };
    replaying.update((now) => now && { ...now, flown });
    await playOn();
    expect(replaying.get()).toMatchObject({ id: "replay-2", flown });
  });
  it("of a time that has not come yet is now", async () => {
    backToLive();
    await playFleet(FROM, "2026-11-23T13:00:00Z");
    expect(asked.filter(({ method }) => method === "POST").at(-1)?.body).toMatchObject({ to: new Date(NOW).toISOString() });
  });
});

describe("a beginning that is answered late", () => {
  const held: (() => void)[] = [];
  const ended = () => asked.filter(({ method }) => method === "DELETE").map(({ path }) => path);
  beforeEach(() => {
    held.length = 0;
    begins = (made) => new Promise((resolve) => held.push(() => resolve(made)));
  });

  it("takes nothing away from who went back to live, and leaves no replay at the service", async () => {
    const late = playFleet(FROM, TO);
    backToLive();
    held[0]?.();
    await late;
    expect([replaying.get(), replayed.get()]).toEqual([null, null]);
    expect(ended()).toEqual(["/replays/replay-1", "/replays/replay-2"]);
  });
  it("does not take the place of what was begun after it", async () => {
    const older = playFleet(FROM, TO);
    const newer = playFleet(FROM, TO);
    held[1]?.();
    await newer;
    held[0]?.();
    await older;
    expect(replaying.get()?.id).toBe("replay-3");
    expect(ended()).toEqual(["/replays/replay-1", "/replays/replay-2"]);
  });
});
