/** One vehicle on the map: a button that points where the nose points. */

import { formatAge } from "../geo/format";
import { isAirborne } from "../i18n/wording";
import { freshness, positionAgeS } from "../state/freshness";
import type { Worst } from "../state/alarms";
import type { Seen } from "../state/live";

const SHAPE = "M12 2.2 19.4 20 12 16.2 4.6 20Z";

export class Marker {
  readonly element = document.createElement("button");
  private readonly nose: SVGElement;
  private readonly label = document.createElement("span");
  private written = "";
  private at = "";
  private heading = "";

  constructor(id: string, onSelect: (id: string) => void) {
    this.element.type = "button";
    this.element.className = "marker";
    this.element.dataset.testid = `marker-${id}`;
    this.element.innerHTML = `<svg viewBox="0 0 24 24" aria-hidden="true"><circle class="ring" cx="12" cy="12" r="11"/><path class="nose" d="${SHAPE}"/></svg>`;
    this.nose = this.element.querySelector("svg") as SVGElement;
    this.label.className = "marker-label";
    this.element.append(this.label);
    this.element.addEventListener("click", () => onSelect(id));
  }

  /** In steps that the eye still takes for smooth: a marker that did not visibly move costs no repaint. */
  place(x: number, y: number, heading: number): void {
    const step = (value: number) => Math.round(value * 4) / 4;
    const at = `translate3d(${step(x)}px, ${step(y)}px, 0)`;
    const nose = `rotate(${Math.round(heading)}deg)`;
    if (at !== this.at) this.element.style.transform = this.at = at;
    if (nose !== this.heading) this.nose.style.transform = this.heading = nose;
  }

  /** Writes state and age; touches the document only when something reads differently. */
  describe(seen: Seen, selected: boolean, nowMs: number, alarm?: Worst): void {
    const { state } = seen;
    const age = positionAgeS(seen, nowMs);
    const fresh = freshness(age);
    const text = fresh === "live" ? state.name : `${state.name} · ${formatAge(age)}`;
    const air = isAirborne(state);
    const all = [text, fresh, air, selected, state.fence_breached, alarm?.severity, alarm?.pressing].join("|");
    if (all === this.written) return;
    this.written = all;
    this.label.textContent = text;
    this.element.ariaLabel = text;
    const { dataset } = this.element;
    dataset.fresh = fresh;
    dataset.air = String(air);
    dataset.selected = String(selected);
    dataset.alarm = alarm?.severity ?? "";
    dataset.pressing = String(alarm?.pressing ?? false);
    dataset.breach = String(state.fence_breached === true);
  }
}
