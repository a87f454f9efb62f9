import { Button, Popconfirm } from "antd";
import { useState } from "react";
import { api } from "../api/client";
import type { SafetySetting, SafetyState, VehicleState } from "../api/model";
import { Problem } from "../api/problem";
import { useT } from "../i18n";
import { ProblemNote } from "../ui/ProblemNote";

/** What a vehicle is set to against its safety profile; read when asked for, set on the operator's word. */
export function SafetyProfile({ vehicle }: { vehicle: VehicleState }) {
  const t = useT();
  const [found, setFound] = useState<SafetyState | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [busy, setBusy] = useState(false);
  const ask = async (question: (id: string) => Promise<SafetyState>) => {
    setBusy(true);
    setProblem(null);
    try {
      setFound(await question(vehicle.vehicle_id));
    } catch (reason) {
      if (!(reason instanceof Problem)) throw reason;
      setProblem(reason);
    } finally {
      setBusy(false);
    }
  };
  const wrong = found?.settings.filter(({ ok }) => !ok) ?? [];
  const settable = wrong.filter(({ wanted }) => wanted !== null).length;
  return (
    <section className="section" aria-label={t("safety.title")} data-testid="safety">
      <header>
        <h3>{t("safety.title")}</h3>
        <Button size="small" loading={busy} data-testid="safety-read" onClick={() => void ask(api.safety)}>
          {t(found ? "safety.again" : "safety.read")}
        </Button>
      </header>
      {found && (
        <p className="verdict" data-good={found.ok} data-testid="safety-verdict">
          {found.ok
            ? t("safety.ok", { profile: found.profile, n: found.settings.length })
            : t("safety.differs", { profile: found.profile, n: wrong.length })}
        </p>
      )}
      {found && found.changed.length > 0 && <p className="hint">{t("safety.applied", { n: found.changed.length })}</p>}
      <ul className="settings">
        {wrong.map((setting) => (
          <Row key={setting.parameter} setting={setting} />
        ))}
      </ul>
      {problem && <ProblemNote problem={problem.document} />}
      {settable > 0 && (
        <Popconfirm
          title={t("safety.applyQuestion", { n: settable })}
          okText={t("safety.apply")}
          okButtonProps={{ "data-testid": "safety-confirm" }}
          disabled={vehicle.armed !== false}
          onConfirm={() => void ask(api.applySafety)}
        >
          <Button block loading={busy} disabled={vehicle.armed !== false} data-testid="safety-apply">
            {t(vehicle.armed === false ? "safety.apply" : "safety.armed")}
          </Button>
        </Popconfirm>
      )}
    </section>
  );
}

function Row({ setting: { parameter, wanted, held, why } }: { setting: SafetySetting }) {
  const t = useT();
  return (
    <li title={why}>
      <b>{parameter}</b>
      <span className="num">
        {held === null ? t("safety.absent") : t("safety.held", { value: plain(held) })}
        {wanted !== null && ` · ${t("safety.wanted", { value: plain(wanted) })}`}
      </span>
      <small>{why}</small>
    </li>
  );
}

/** Parameters are single-precision: their noise is cut off. */
const plain = (value: number): string => String(Number(value.toPrecision(6)));
