import { Planner } from "../plan/Planner";
import { ReplaySide } from "../replay/ReplaySide";
import { useReplaying } from "../state/picture";
import { useStore } from "../state/store";
import { view } from "../state/view";
import { Lists } from "./Lists";
import { VehiclePanel } from "./VehiclePanel";
import { ZonePanel } from "./ZonePanel";

/** The right-hand side: lists, the planner, a new no-fly zone, or one vehicle; in a replay what was recorded of it. */
export function SidePanel() {
  const side = useStore(view, (now) => now.side);
  const isReplay = useReplaying();
  if (isReplay) {
    return (
      <aside className="panel side" data-kind="replay">
        <ReplaySide />
      </aside>
    );
  }
  return (
    <aside className="panel side" data-kind={side.kind}>
      {side.kind === "lists" && <Lists />}
      {side.kind === "zone" && <ZonePanel />}
      {side.kind === "planner" && <Planner />}
      {side.kind === "vehicle" && <VehiclePanel key={side.vehicleId} id={side.vehicleId} />}
    </aside>
  );
}
