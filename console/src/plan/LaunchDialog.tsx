import { App, Modal, Select } from "antd";
import { useMemo, useState } from "react";
import { Problem } from "../api/problem";
import { formatDuration, formatLength, formatNumber } from "../geo/format";
import { useT } from "../i18n";
import { live } from "../state/connection";
import { useStore } from "../state/store";
import { ProblemNote } from "../ui/ProblemNote";
import { useProblems } from "../ui/useProblems";
import { type Launch, launch, launcher, replan } from "./launch";
import { Proposals } from "./Proposals";
import { candidates, choose, sameCandidates } from "./vehicles";
import { vehicleOptions } from "./vehicleOptions";

/** What is about to fly, on one card, and one button. */
export function LaunchDialog() {
  const pending = useStore(launch, (now) => now);
  return pending && <Confirm key={pending.name} pending={pending} />;
}

function Confirm({ pending }: { pending: Launch }) {
  const t = useT();
  const { message } = App.useApp();
  const [wanted, setWanted] = useState(pending.vehicleId);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const send = useMemo(launcher, []);
  const run = useProblems();
  const { plan, name } = pending;
  const all = useStore(live, (now) => candidates(now, plan.dock_id), sameCandidates);
  const chosen = choose(all, wanted);

  const confirm = async () => {
    if (!chosen) return;
    setBusy(true);
    setProblem(null);
    try {
      await send(pending, chosen.id);
      void message.success(t("launch.started", { name: chosen.name, mission: name }));
    } catch (reason) {
      if (!(reason instanceof Problem)) throw reason;
      setProblem(reason);
      setBusy(false);
    }
  };

  return (
    <Modal
      open
      centered
      width={420}
      title={t("launch.title")}
      okText={t("launch.ok")}
      cancelText={t("app.cancel")}
      confirmLoading={busy}
      okButtonProps={{ disabled: !chosen, size: "large", "data-testid": "confirm-launch" }}
      cancelButtonProps={{ size: "large" }}
      onOk={() => void confirm()}
      onCancel={() => launch.set(null)}
    >
      <dl className="facts facts-launch">
        <Fact label={t("launch.mission")} value={name} />
        <div>
          <dt>{t("plan.vehicle")}</dt>
          <dd>
            <Select
              value={chosen?.id ?? null}
              options={vehicleOptions(all, t)}
              onChange={setWanted}
              placeholder={t("plan.noVehicle")}
              data-testid="launch-vehicle"
            />
          </dd>
        </div>
        <Fact label={t("plan.length")} value={formatLength(plan.length_m)} />
        <Fact label={t("plan.duration")} value={`${formatDuration(plan.duration_s)} · ${t("plan.p95", { value: formatDuration(plan.duration_p95_s) })}`} />
        <Fact
          label={t("plan.battery")}
          value={`${formatNumber(plan.battery_needed_pct)}% · ${t("plan.p95", { value: `${formatNumber(plan.battery_p95_pct)}%` })}`}
        />
        <Fact label={t("plan.wayHome")} value={t(`returns.${plan.returns}`, { m: formatNumber(plan.return_alt_rel_m) })} />
        <Fact label={t("plan.waypoints")} value={String(plan.waypoints_total)} />
        <Fact label={t("launch.airspace")} value={`v${plan.airspace_version}`} />
      </dl>
      {problem ? <ProblemNote problem={problem.document} /> : <p className="hint">{t("launch.note")}</p>}
      {problem && <Proposals proposals={problem.document.proposals ?? []} onAdopt={(each) => run(() => replan(pending, each))} />}
    </Modal>
  );
}

function Fact({ label, value }: { label: string; value: string }) {
  return (
    <div>
      <dt>{label}</dt>
      <dd className="num">{value}</dd>
    </div>
  );
}
