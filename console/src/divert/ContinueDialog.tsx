import { App, Modal, Select } from "antd";
import { useState } from "react";
import { newKey } from "../api/client";
import type { Sortie } from "../api/model";
import { Problem } from "../api/problem";
import { formatDateTime } from "../geo/format";
import { useT } from "../i18n";
import { candidates, choose, sameCandidates } from "../plan/vehicles";
import { vehicleOptions } from "../plan/vehicleOptions";
import { live } from "../state/connection";
import { useStore } from "../state/store";
import { ProblemNote } from "../ui/ProblemNote";
import { continuing, goOn } from "./continuing";

/** What is left of a broken-off mission, who flies it, and one button. */
export function ContinueDialog() {
  const now = useStore(continuing, (value) => value);
  return now && <Confirm key={now.sortie.sortie_id} sortie={now.sortie} />;
}

function Confirm({ sortie }: { sortie: Sortie }) {
  const t = useT();
  const { message } = App.useApp();
  const [wanted, setWanted] = useState(sortie.vehicle_id);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const dock = useStore(live, ({ vehicles }) => vehicles.get(sortie.vehicle_id)?.state.dock_id ?? null);
  const all = useStore(live, (now) => candidates(now, dock), sameCandidates);
  const chosen = choose(all, wanted);
  const { break_point: broken, mission_name, waypoints_total } = sortie;

  const confirm = async () => {
    if (!chosen) return;
    setBusy(true);
    setProblem(null);
    try {
      await goOn(chosen.id);
      void message.success(t("continue.started", { name: chosen.name }));
    } catch (reason) {
      if (!(reason instanceof Problem)) throw reason;
      // An answer ends what the key stood for; one that never came is asked for again under the same key.
      if ((reason.document.status ?? 0) >= 400) continuing.update((now) => now && { ...now, key: newKey() });
      setProblem(reason);
      setBusy(false);
    }
  };

  return (
    <Modal
      open
      centered
      width={420}
      title={t("continue.title")}
      okText={t("continue.ok")}
      cancelText={t("app.cancel")}
      confirmLoading={busy}
      okButtonProps={{ disabled: !chosen, size: "large", "data-testid": "confirm-continue" }}
      cancelButtonProps={{ size: "large" }}
      onOk={() => void confirm()}
      onCancel={() => continuing.set(null)}
    >
      <dl className="facts facts-launch">
        <div>
          <dt>{t("launch.mission")}</dt>
          <dd>{mission_name}</dd>
        </div>
        <div>
          <dt>{t("plan.vehicle")}</dt>
          <dd>
            <Select value={chosen?.id ?? null} options={vehicleOptions(all, t)} onChange={setWanted} placeholder={t("plan.noVehicle")} />
          </dd>
        </div>
      </dl>
      {broken && (
        <p>{t("sortie.break", { n: broken.waypoint + 1, all: waypoints_total, at: formatDateTime(broken.at) })}</p>
      )}
      {problem ? <ProblemNote problem={problem.document} /> : <p className="hint">{t("continue.note")}</p>}
    </Modal>
  );
}
