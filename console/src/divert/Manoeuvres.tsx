import { Button } from "antd";
import type { Sortie } from "../api/model";
import { useT } from "../i18n";
import { useStore } from "../state/store";
import { canDivert, KINDS, manoeuvre, startManoeuvre } from "./manoeuvre";
import { ManoeuvreForm } from "./ManoeuvreForm";

/** What a flying vehicle can be told to do besides its mission; one of them open, with its preview. */
export function Manoeuvres({ sortie }: { sortie: Sortie }) {
  const t = useT();
  const now = useStore(manoeuvre, (value) => (value?.sortieId === sortie.sortie_id ? value : null));
  if (!canDivert(sortie)) return null;
  return (
    <section className="manoeuvres" aria-label={t("divert.title")}>
      <h3>{t("divert.title")}</h3>
      <div className="manoeuvre-kinds">
        {KINDS.map((kind) => (
          <Button
            key={kind}
            size="small"
            type={now?.kind === kind ? "primary" : "default"}
            aria-pressed={now?.kind === kind}
            data-testid={`divert-${kind}`}
            onClick={() => startManoeuvre(sortie, kind)}
          >
            {t(`divert.${kind}`)}
          </Button>
        ))}
      </div>
      {now && <ManoeuvreForm now={now} sortie={sortie} />}
    </section>
  );
}
