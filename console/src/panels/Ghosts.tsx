import type { VehicleState } from "../api/model";
import { useLanguage, useT } from "../i18n";
import { said } from "../i18n/phrases";
import { ghostText } from "../i18n/wording";
import { VehicleAge } from "../ui/Age";

/** What may have become of a vehicle that is not heard: how old its last position is, and each guess with its ground. */
export function Ghosts({ vehicle }: { vehicle: VehicleState }) {
  const t = useT();
  const language = useLanguage();
  if (!vehicle.ghosts.length) return null;
  return (
    <section className="ghosts" data-testid="ghosts">
      <header>
        <strong>{t("ghost.title")}</strong>
        <span>
          {t("ghost.last")} <VehicleAge id={vehicle.vehicle_id} />
        </span>
      </header>
      <ul>
        {vehicle.ghosts.map((ghost) => (
          <li key={ghost.belief} data-belief={ghost.belief}>
            <b>{ghostText(ghost, t).replace("\n", " · ")}</b>
            <small>{said(ghost.text, language)}</small>
          </li>
        ))}
      </ul>
    </section>
  );
}
