import { type ReactNode, useEffect, useState } from "react";
import { api } from "../api/client";
import type { Enrollment, VehicleState } from "../api/model";
import { type Translate, useT } from "../i18n";

/** Who a vehicle is, as it was enrolled; of the settings file there is nothing more to tell than that. */
export function Enrolled({ vehicle }: { vehicle: VehicleState }) {
  const t = useT();
  const { vehicle_id: id, unit } = vehicle;
  const [found, setFound] = useState<Enrollment | null>(null);
  useEffect(() => {
    let gone = false;
    api.enrollment(id, unit).then(
      (answer) => !gone && setFound(answer),
      () => !gone && setFound(null),
    );
    return () => {
      gone = true;
    };
  }, [id, unit]);
  const rows: [string, ReactNode][] = [
    [t("enrol.unit"), vehicle.unit],
    [t("enrol.uid"), <Uid key="u" uid={vehicle.uid ?? found?.uid ?? null} />],
    [t("enrol.signing"), signingText(found, vehicle.signed, t)],
    ...(found
      ? ([
          [t("enrol.links"), found.links.join(" · ")],
          [t("enrol.category"), found.category ?? "–"],
          [t("enrol.registration"), found.registration ?? "–"],
        ] satisfies [string, ReactNode][])
      : []),
  ];
  return (
    <section className="section" aria-label={t("enrol.title")} data-testid="enrolled">
      <header>
        <h3>{t("enrol.title")}</h3>
      </header>
      {vehicle.ambiguous && <p className="note" data-tone="bad">{t("enrol.ambiguous")}</p>}
      {!found && <p className="hint">{t("enrol.settings")}</p>}
      <dl className="facts">
        {rows.map(([label, value]) => (
          <div key={label}>
            <dt>{label}</dt>
            <dd className="num">{value}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

/** The first digits tell vehicles apart; the rest is a touch away. */
function Uid({ uid }: { uid: string | null }) {
  return <span title={uid ?? ""}>{uid === null ? "–" : uid.length > 16 ? `${uid.slice(0, 16)}…` : uid}</span>;
}

/** What was agreed on, and what is so. */
function signingText(found: Enrollment | null, signed: boolean, t: Translate): string {
  const now = t(signed ? "enrol.signed" : "enrol.unsigned");
  if (!found) return now;
  const policy = t(`enrol.${found.signing}`);
  if (found.signing === "off") return policy;
  return found.has_key ? `${policy} · ${now}` : t("enrol.keyless", { policy });
}
