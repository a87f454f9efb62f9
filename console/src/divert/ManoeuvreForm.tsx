import { CloseOutlined } from "@ant-design/icons";
import { Button, InputNumber, Segmented, Select } from "antd";
import type { Sortie } from "../api/model";
import { useLanguage, useT } from "../i18n";
import type { Key } from "../i18n/messages";
import { said } from "../i18n/phrases";
import { Field } from "../plan/Field";
import { live } from "../state/connection";
import { places } from "../state/places";
import { useStore } from "../state/store";
import { AskedNumber } from "./AskedNumber";
import { changeManoeuvre, closeManoeuvre, type Manoeuvre, needsPlace, trial } from "./manoeuvre";
import { TrialCard } from "./TrialCard";

/** What one manoeuvre still needs to be told, and below it what would be flown. */
export function ManoeuvreForm({ now, sortie }: { now: Manoeuvre; sortie: Sortie }) {
  const t = useT();
  const flying = useStore(trial, ({ status }) => status === "flying");
  return (
    <div className="manoeuvre" data-testid="manoeuvre" data-kind={now.kind}>
      <header>
        <strong>{t(`divert.${now.kind}`)}</strong>
        <Button
          type="text"
          size="small"
          icon={<CloseOutlined />}
          aria-label={t("divert.close")}
          data-testid="divert-close"
          disabled={flying}
          onClick={closeManoeuvre}
        />
      </header>
      <fieldset disabled={flying}>
        <div className="fields">
          <Members now={now} sortie={sortie} />
        </div>
      </fieldset>
      <TrialCard />
    </div>
  );
}

function Members({ now, sortie }: { now: Manoeuvre; sortie: Sortie }) {
  const t = useT();
  const against = useReasons();
  const height = (
    <AskedNumber
      label={t("divert.height")}
      value={now.altM}
      suffix="m"
      placeholder={needsPlace(now.kind) ? t("divert.asNow") : ""}
      reason={against("/alt_rel_m")}
      onChange={(altM) => changeManoeuvre({ altM })}
      testid="divert-alt"
    />
  );
  const speed = (
    <AskedNumber
      label={t("plan.speed")}
      value={now.speedMps}
      suffix="m/s"
      placeholder={needsPlace(now.kind) ? t("plan.auto") : ""}
      reason={against("/speed_mps")}
      onChange={(speedMps) => changeManoeuvre({ speedMps })}
      testid="divert-speed"
    />
  );
  switch (now.kind) {
    case "goto":
      return (
        <>
          <Picked now={now} which="place" label="divert.place" />
          <Picked now={now} which="look" label="divert.look" />
          {height}
          <AskedNumber
            label={t("divert.hold")}
            value={now.holdS}
            suffix="s"
            step={30}
            reason={against("/hold_s")}
            onChange={(holdS) => changeManoeuvre({ holdS })}
            testid="divert-hold"
          />
        </>
      );
    case "orbit":
      return (
        <>
          <Picked now={now} which="place" label="divert.center" />
          {height}
          <AskedNumber
            label={t("param.radius_m")}
            value={now.radiusM}
            suffix="m"
            step={5}
            reason={against("/radius_m")}
            onChange={(radiusM) => changeManoeuvre({ radiusM })}
            testid="divert-radius"
          />
          <AskedNumber
            label={t("param.laps")}
            value={now.turns}
            suffix=""
            reason={against("/turns")}
            onChange={(turns) => changeManoeuvre({ turns })}
            testid="divert-turns"
          />
          <Field label={t("param.direction")} reason={null} wide>
            <Segmented
              block
              value={now.clockwise}
              onChange={(clockwise) => changeManoeuvre({ clockwise })}
              options={[
                { value: true, label: t("word.clockwise") },
                { value: false, label: t("word.counterclockwise") },
              ]}
            />
          </Field>
        </>
      );
    case "change-altitude":
      return height;
    case "change-speed":
      return speed;
    case "skip":
      return <FromWaypoint now={now} sortie={sortie} reason={against("/waypoint")} />;
    case "replace":
      return <AnotherMission now={now} sortie={sortie} />;
  }
}

/** A place of the map, with the button that takes the next click for it. */
function Picked({ now, which, label }: { now: Manoeuvre; which: "place" | "look"; label: Key }) {
  const t = useT();
  const at = now[which];
  const picking = now.picking === which;
  return (
    <div className="field picked" data-wide="true">
      <span>{t(label)}</span>
      <b className="num" data-testid={`divert-${which}`}>
        {at ? `${at[1].toFixed(5)}, ${at[0].toFixed(5)}` : t(which === "look" ? "divert.lookNone" : "divert.notPicked")}
      </b>
      {which === "look" && at && (
        <Button size="small" type="text" onClick={() => changeManoeuvre({ look: null })}>
          {t("divert.clear")}
        </Button>
      )}
      <Button size="small" type={picking ? "primary" : "default"} onClick={() => changeManoeuvre({ picking: picking ? null : which })}>
        {t(picking ? "divert.picking" : "divert.pick")}
      </Button>
    </div>
  );
}

function FromWaypoint({ now, sortie, reason }: { now: Manoeuvre; sortie: Sortie; reason: string | null }) {
  const t = useT();
  const own = useStore(live, ({ sorties }) => sorties.get(sortie.sortie_id)?.waypoints_total ?? sortie.waypoints_total);
  return (
    <Field label={t("divert.waypoint", { n: own })} reason={reason} wide>
      <InputNumber
        value={now.waypoint === null ? null : now.waypoint + 1}
        min={1}
        max={Math.max(1, own)}
        placeholder={t("divert.whereLeft")}
        onChange={(number) => changeManoeuvre({ waypoint: number === null ? null : Number(number) - 1 })}
        aria-label={t("divert.waypoint", { n: own })}
        data-testid="divert-waypoint"
      />
    </Field>
  );
}

function AnotherMission({ now, sortie }: { now: Manoeuvre; sortie: Sortie }) {
  const t = useT();
  const missions = useStore(places, (value) => value.missions);
  const others = missions.filter(({ mission_id }) => mission_id !== sortie.mission_id);
  return (
    <Field label={t("divert.mission")} reason={null} wide>
      <Select
        showSearch={{ optionFilterProp: "label" }}
        value={now.missionId}
        placeholder={t("divert.missionHint")}
        onChange={(missionId: string) => changeManoeuvre({ missionId })}
        options={others.map(({ mission_id, name, revision }) => ({
          value: mission_id,
          label: `${name} · ${t("missions.revision", { n: revision })}`,
        }))}
        aria-label={t("divert.mission")}
        data-testid="divert-mission"
      />
    </Field>
  );
}

/** What the service says against a value, by its pointer. */
function useReasons(): (pointer: string) => string | null {
  const language = useLanguage();
  const errors = useStore(trial, (now) => (now.status === "refused" ? now.problem.document.errors : undefined));
  return (pointer) => {
    const found = errors?.find((each) => each.pointer.endsWith(pointer));
    return found ? said(found.detail, language) : null;
  };
}

