/** The recording that is shown in place of what is live: begun, steered and ended here. */

import { closeZone, zoneDraft } from "../airspace/zoneDraft";
import { api } from "../api/client";
import type { Alarm, Replay, ReplayChange, ReplayIn, Sortie } from "../api/model";
import { Problem } from "../api/problem";
import type { Frame, Position } from "../api/stream";
import { continuing } from "../divert/continuing";
import { manoeuvre } from "../divert/manoeuvre";
import { lookAt } from "../map/camera";
import { closeDraft, draft } from "../plan/draft";
import { launch } from "../plan/launch";
import { connect, type Link, streamUrl } from "../state/connection";
import { EMPTY, type Live, reduce } from "../state/live";
import { replayed } from "../state/picture";
import { createStore } from "../state/store";
import { focus, mapMenu, openPage, selectVehicle, showOnMap, view } from "../state/view";
import { type Flown, flownBy, moved, type Reel, type Tape, tapeOf, within } from "./reel";

export interface Replaying {
  id: string;
  asked: ReplayIn;
  reel: Reel;
  /** The whole line of the sortie that is played alone, once it is here; frames that come fast would cut its corners. */
  flown: Flown | null;
  tape: Tape;
  link: Link;
  /** The service has ended it: nothing comes any more. */
  gone: boolean;
}

export const replaying = createStore<Replaying | null>(null);

/** While the slider is dragged, so often is the service asked for another moment. */
const ASK_MS = 120;
/** So often is looked whether the service still plays, and how: somebody else may steer it too. */
const LOOK_MS = 1_000;
const MOST_SORTIES = 300;

/** Plays a sortie that is over. Rejects with a `Problem`, also when nothing was recorded of it. */
export async function playSortie(sortie: Sortie): Promise<void> {
  const found = await begin({ sortie_id: sortie.sortie_id, speed: 1 }, sortie);
  if (!found) return;
  selectVehicle(sortie.vehicle_id);
  const track = await api.track(sortie.sortie_id, "1s").catch(() => null);
  if (!track || replaying.get()?.id !== found.replay_id) return;
  const flown = { line: track.geometry.coordinates as Position[], atMs: track.properties.times.map(Date.parse) };
  replaying.update((now) => now && { ...now, flown });
  showOnMap({ sortieId: sortie.sortie_id, track: flown.line as Position[] });
  lookAt(flown.line as Position[]);
}

/** Plays what all vehicles did between two moments (RFC 3339), until now at the most. Rejects with a `Problem`. */
export async function playFleet(from: string, to: string): Promise<void> {
  const end = new Date(Math.min(Date.parse(to), Date.now())).toISOString();
  await begin({ from, to: end, speed: 10 }, null);
}

/** Plays the same again where the service has ended it: from where it was, as fast, and standing still if it stood. */
export async function playOn(): Promise<void> {
  const now = replaying.get();
  if (!now) return;
  const { atMs, speed, playing } = now.tape;
  if (!(await begin({ ...now.asked, speed }, now.reel.sortie, now.flown))) return;
  seek(atMs);
  if (!playing) setPlaying(false);
}

/** Counts beginnings and ways back: what is answered to an older one is wanted no more. */
let begun = 0;

/** null: something else was begun meanwhile, or the page went back to live. */
async function begin(asked: ReplayIn, sortie: Sortie | null, flown: Flown | null = null): Promise<Replay | null> {
  const mine = ++begun;
  const made = await api.startReplay(asked);
  const [sorties, alarms] = await Promise.all([sortie ? [sortie] : known(api.sorties(MOST_SORTIES)), known<Alarm>(api.alarms(sortie?.vehicle_id))]);
  if (mine !== begun) {
    end(made.replay_id);
    return null;
  }
  const span = { fromMs: Date.parse(made.from), toMs: Date.parse(made.to) };
  const reel: Reel = { ...span, sortie, ...within(span, sorties, alarms) };
  leaveLive();
  const before = replaying.get();
  if (before && !before.gone) end(before.id);
  replaying.set({ id: made.replay_id, asked, reel, flown, tape: tapeOf(made), link: "connecting", gone: false });
  replayed.set({ ...EMPTY, frameAtMs: span.fromMs });
  stop = keepShown(made);
  return made;
}

/** What is told besides the rows is worth having, not worth failing for. */
const known = <T>(all: Promise<T[]>): Promise<T[]> => all.catch(() => []);

let stop = (): void => undefined;
let back = view.get();
let wanted: ReplayChange = {};
/** Counts what was steered: an answer to what was asked before says nothing of it. */
let steers = 0;
let asking: ReturnType<typeof setTimeout> | undefined;

/** Puts everything away that could become a command. */
function leaveLive(): void {
  stop();
  if (replaying.get()) return;
  if (zoneDraft.get().open) closeZone();
  if (draft.get().open) closeDraft();
  manoeuvre.set(null);
  launch.set(null);
  continuing.set(null);
  mapMenu.set(null);
  focus.set([]);
  back = view.get();
  openPage("map");
  showOnMap(null);
}

/** Ends the replay; the page is as it was before. */
export function backToLive(): void {
  begun += 1;
  const now = replaying.get();
  if (!now) return;
  stop();
  stop = () => undefined;
  replaying.set(null);
  replayed.set(null);
  view.set(back);
  if (!now.gone) end(now.id);
}

/** One that we cannot end ends by itself, a minute after its last viewer left. */
const end = (id: string): void => void api.endReplay(id).catch(() => undefined);

export function setPlaying(playing: boolean): void {
  steer((tape) => ({ ...tape, playing }), { playing });
}

export function setSpeed(speed: number): void {
  steer((tape) => ({ ...tape, speed }), { speed });
}

/** To another moment, of the reel at the most. */
export function seek(wantedMs: number): void {
  const reel = replaying.get()?.reel;
  if (!reel) return;
  const atMs = Math.min(reel.toMs, Math.max(reel.fromMs, wantedMs));
  steer((tape) => ({ ...tape, atMs, soughtMs: Date.now() }), { at: new Date(atMs).toISOString() });
}

/** Goes on, or from the beginning when it is over. */
export function toggle(): void {
  const now = replaying.get();
  if (!now) return;
  if (now.tape.atMs < now.reel.toMs) return setPlaying(!now.tape.playing);
  seek(now.reel.fromMs);
  setPlaying(true);
}

/** Shows the change at once and asks the service for it soon; several become one. */
function steer(change: (tape: Tape) => Tape, asked: ReplayChange): void {
  replaying.update((now) => now && { ...now, tape: change(now.tape) });
  wanted = { ...wanted, ...asked };
  steers += 1;
  asking ??= setTimeout(() => void tell(), ASK_MS);
}

async function tell(): Promise<void> {
  const now = replaying.get();
  const asked = wanted;
  wanted = {};
  if (now) await heard(now.id, () => api.changeReplay(now.id, asked));
  asking = Object.keys(wanted).length ? setTimeout(() => void tell(), ASK_MS) : undefined;
}

/** Takes over how the service plays, unless it was steered meanwhile. Where it is say the frames. */
async function heard(id: string, ask: () => Promise<Replay>): Promise<void> {
  const before = steers;
  try {
    const { speed, playing } = await ask();
    replaying.update((now) => (now?.id === id && before === steers ? { ...now, tape: { ...now.tape, speed, playing } } : now));
  } catch (reason) {
    if (!(reason instanceof Problem)) throw reason;
    if (reason.slug === "not-found") replaying.update((now) => (now?.id === id ? { ...now, gone: true } : now));
  }
}

/** Keeps `replayed` fed until the returned function is called. */
function keepShown({ replay_id: id, stream }: Replay): () => void {
  const close = connect(streamUrl(window.location, stream), {
    take,
    link: (link) => replaying.update((now) => (now?.id === id ? { ...now, link } : now)),
    vehicles: () => replayed.get()?.vehicles.size ?? 0,
  });
  const looks = setInterval(() => {
    if (asking === undefined && !replaying.get()?.gone) void heard(id, () => api.replay(id));
  }, LOOK_MS);
  return () => {
    close();
    clearInterval(looks);
    clearTimeout(asking);
    asking = undefined;
    wanted = {};
  };
}

function take(frame: Frame): void {
  const atMs = Date.parse(frame.at);
  replaying.update((now) => now && { ...now, tape: moved(now.tape, atMs, Date.now()) });
  const now = replaying.get();
  if (!now) return;
  const { flown, reel } = now;
  const drawn = (told: Live): Live => (flown && reel.sortie ? { ...told, tracks: new Map([[reel.sortie.sortie_id, flownBy(flown, atMs)]]) } : told);
  replayed.update((before) => before && drawn(shownAt(before, frame)));
}

/** The picture after a frame, as of its own moment. A snapshot comes with every jump: nothing of before holds. */
export function shownAt(before: Live, frame: Frame): Live {
  return reduce(frame.type === "snapshot" ? EMPTY : before, frame, Date.parse(frame.at));
}
