import { Planner } from "../plan/Planner";
import { useStore } from "../state/store";
import { view } from "../state/view";
import { Lists } from "./Lists";
import { VehiclePanel } from "./VehiclePanel";

/** The right-hand side: lists, the planner, or one vehicle. */
export function SidePanel() {
  const side = useStore(view, (now) => now.side);
  return (
    <aside className="panel side" data-kind={side.kind}>
      {side.kind === "lists" && <Lists />}
      {side.kind === "planner" && <Planner />}
      {side.kind === "vehicle" && <VehiclePanel key={side.vehicleId} id={side.vehicleId} />}
    </aside>
  );
}
