import { CloseOutlined } from "@ant-design/icons";
import { App, Button, Input, InputNumber, Popconfirm, Segmented } from "antd";
import { useState } from "react";
import {
  changeZone,
  closeZone,
  drawZone,
  liftZone,
  publishZone,
  temporary,
  zoneDraft,
  type ZoneDraft,
} from "../airspace/zoneDraft";
import type { ZoneFeature } from "../api/model";
import { Problem } from "../api/problem";
import { positions } from "../geo/geo";
import { useLanguage, useT } from "../i18n";
import { zoneFacts } from "../i18n/zones";
import { lookAt } from "../map/camera";
import { zoneShape } from "../map/features";
import { Field } from "../plan/Field";
import { nameIn } from "../plan/patterns";
import { places } from "../state/places";
import { shallow, useStore } from "../state/store";
import { DateTime } from "../ui/DateTime";
import { ProblemNote } from "../ui/ProblemNote";
import { useProblems } from "../ui/useProblems";

/** Closes a piece of air from now on: drawn, named, limited in time, published. */
export function ZonePanel() {
  const t = useT();
  const { message } = App.useApp();
  const now = useStore(zoneDraft, (value) => value);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const { shape, name } = now;

  const publish = async () => {
    setBusy(true);
    setProblem(null);
    try {
      const { version } = await publishZone(now);
      void message.success(t("zone.published", { version }));
      closeZone();
    } catch (reason) {
      if (!(reason instanceof Problem)) throw reason;
      setProblem(reason);
      setBusy(false);
    }
  };

  return (
    <>
      <header className="side-head">
        <h2>{t("zone.tool")}</h2>
        <Button type="text" icon={<CloseOutlined />} aria-label={t("app.close")} onClick={closeZone} />
      </header>
      <div className="side-body">
        <Segmented
          block
          value={now.pen}
          onChange={(pen: ZoneDraft["pen"]) => drawZone(pen)}
          options={[
            { value: "polygon", label: t("zone.polygon") },
            { value: "circle", label: t("zone.circle") },
          ]}
          data-testid="zone-pen"
        />
        <div className="fields">
          <Field label={t("zone.name")} reason={null} wide>
            <Input value={name} maxLength={80} placeholder={t("zone.nameHint")} onChange={({ target }) => changeZone({ name: target.value })} data-testid="zone-name" />
          </Field>
          <Field label={t("zone.until")} reason={null} wide>
            <DateTime value={now.until} onChange={(until) => changeZone({ until })} label={t("zone.until")} testid="zone-until" />
          </Field>
          {shape?.type === "circle" && (
            <Field label={t("zone.radius")} reason={null}>
              <InputNumber
                value={shape.radiusM}
                min={1}
                suffix="m"
                onChange={(radiusM) => radiusM && changeZone({ shape: { ...shape, radiusM } })}
                aria-label={t("zone.radius")}
                data-testid="zone-radius"
              />
            </Field>
          )}
        </div>
        <Present />
      </div>
      <footer className="side-foot">
        {problem ? <ProblemNote problem={problem.document} /> : <p className="hint">{t(shape ? "zone.note" : "zone.drawFirst")}</p>}
        <Button
          block
          danger
          type="primary"
          size="large"
          loading={busy}
          disabled={!shape || !name.trim()}
          data-testid="publish-zone"
          onClick={() => void publish()}
        >
          {t("zone.publish")}
        </Button>
      </footer>
    </>
  );
}

/** The temporary zones of the version in force, each to be lifted. */
function Present() {
  const t = useT();
  const zones = useStore(places, ({ airspace }) => temporary(airspace?.zones.features ?? []), shallow);
  if (!zones.length) return null;
  return (
    <section className="present">
      <h3>{t("zone.present")}</h3>
      <ul className="rows">
        {zones.map((zone) => (
          <Row key={zone.id} zone={zone} />
        ))}
      </ul>
    </section>
  );
}

function Row({ zone }: { zone: ZoneFeature }) {
  const t = useT();
  const language = useLanguage();
  const { message } = App.useApp();
  const run = useProblems();
  const name = nameIn(language, zone.properties);
  const lift = async () => {
    const { version } = await liftZone(zone);
    void message.success(t("zone.published", { version }));
  };
  return (
    <li>
      <button type="button" className="row-main" onClick={() => lookAt(positions(zoneShape(zone)))}>
        <strong>{name}</strong>
        <small className="num">{zoneFacts(zone, t, Date.now()).slice(0, 2).join(" · ")}</small>
      </button>
      <span className="row-acts">
        <Popconfirm title={t("zone.liftQuestion", { name })} okText={t("zone.lift")} onConfirm={() => run(lift)}>
          <button type="button" data-testid="lift-zone">
            {t("zone.lift")}
          </button>
        </Popconfirm>
      </span>
    </li>
  );
}
