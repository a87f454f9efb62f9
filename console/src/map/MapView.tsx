import { useEffect, useRef, useState } from "react";
import { useT } from "../i18n";
import { zoneDraft } from "../airspace/zoneDraft";
import { manoeuvre } from "../divert/manoeuvre";
import { MapMenu } from "../divert/MapMenu";
import type { Key } from "../i18n/messages";
import { draft, penWanted } from "../plan/draft";
import { useStore } from "../state/store";

/** The map. React only gives it a place: data go to it past React. */
export function MapView() {
  const ground = useRef<HTMLDivElement>(null);
  const over = useRef<HTMLDivElement>(null);
  const [failed, setFailed] = useState(false);
  const patrolPen = useStore(draft, penWanted);
  const zonePen = useStore(zoneDraft, ({ open, drawing, pen: wanted }) => (open ? (drawing ? wanted : "none") : null));
  const pen = zonePen === "none" ? null : (zonePen ?? patrolPen);
  const picking = useStore(manoeuvre, (now) => now?.picking ?? null);
  const t = useT();

  useEffect(() => {
    let stop: (() => void) | null = null;
    let gone = false;
    import("./start")
      .then(({ startMap }) => {
        if (!gone && ground.current && over.current) stop = startMap(ground.current, over.current);
      })
      .catch((reason: unknown) => {
        console.error(reason);
        setFailed(true);
      });
    return () => {
      gone = true;
      stop?.();
    };
  }, []);

  return (
    <main className="map" data-drawing={pen !== null || picking !== null} aria-label={t("map.label")}>
      <div className="map-ground" data-testid="map" ref={ground} />
      <div className="map-over" ref={over} />
      {pen && (
        <p className="map-hint" data-ink={zonePen ? "exclusion" : "plan"} data-testid="draw-hint">
          {t(`draw.${pen}` satisfies Key)}
        </p>
      )}
      {!pen && picking && (
        <p className="map-hint" data-testid="pick-hint">
          {t(`draw.${picking}` satisfies Key)}
        </p>
      )}
      <MapMenu />
      {failed && <p className="map-failed">{t("map.noWebgl")}</p>}
    </main>
  );
}
