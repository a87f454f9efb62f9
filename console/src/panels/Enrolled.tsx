import { type ReactNode, useEffect, useState } from "react";
import { api } from "../api/client";
import type { Enrollment, VehicleState } from "../api/model";
import { useT } from "../i18n";

/** Who a vehicle is, as it was enrolled; of the settings file there is nothing more to tell than that. */
export function Enrolled({ vehicle }: { vehicle: VehicleState }) {
  const t = useT();
  const { vehicle_id: id } = vehicle;
  const [found, setFound] = useState<Enrollment | null>(null);
  useEffect(() => {
    let gone = false;
    api.enrollment(id).then(
      (answer) => !gone && setFound(answer),
      () => !gone && setFound(null),
    );
    return () => {
      gone = true;
    };
  }, [id]);
  const rows: [string, ReactNode][] = [
    [t("enrol.uid"), vehicle.uid ?? found?.uid ?? "–"],
    [t("enrol.signing"), signing(found, vehicle.signed)],
    ...(found
      ? ([
          [t("enrol.links"), found.links.join(" · ")],
          [t("enrol.category"), found.category ?? "–"],
          [t("enrol.registration"), found.registration ?? "–"],
        ] satisfies [string, ReactNode][])
      : []),
  ];
  function signing(enrollment: Enrollment | null, signed: boolean): string {
    const now = t(signed ? "enrol.signed" : "enrol.unsigned");
    if (!enrollment) return now;
    const policy = t(`enrol.${enrollment.signing}`);
    if (enrollment.signing !== "off" && !enrollment.has_key) return t("enrol.keyless", { policy });
    return enrollment.signing === "off" ? policy : `${policy} · ${now}`;
  }
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
