import { Input, Segmented, Switch } from "antd";
import { useT } from "../i18n";
import { Field } from "../plan/Field";
import { type Kind, KINDS, type Secret, SECRETS } from "./form";
import type { Editing } from "./RuleEditor";

const URLS: Record<Kind, string> = { http: "https://", mqtt: "mqtts://", websocket: "wss://" };
const NAMES: Record<Kind, string> = { http: "HTTP", mqtt: "MQTT", websocket: "WebSocket" };

interface Props {
  editing: Editing;
  /** Names of the secrets that the service has. */
  stored: readonly string[];
  /** A rule that is there keeps its kind: another one would take other secrets. */
  fixed: boolean;
}

/** Where it goes, and how one is let in there. */
export function TargetFields({ editing, stored, fixed }: Props) {
  const t = useT();
  const { form, change, against } = editing;
  const { kind } = form;
  return (
    <section className="section">
      <h3>{t("forward.target")}</h3>
      <div title={fixed ? t("forward.kindStays") : ""}>
        <Segmented
          block
          disabled={fixed}
          value={kind}
          options={KINDS.map((value) => ({ value, label: NAMES[value] }))}
          onChange={(next: Kind) => change({ kind: next, url: "", secrets: {} })}
          data-testid="rule-kind"
        />
      </div>
      <div className="fields">
        <Field label={t("forward.url")} reason={against("/target/url")} wide>
          <Input value={form.url} placeholder={URLS[kind]} spellCheck={false} onChange={({ target }) => change({ url: target.value })} data-testid="rule-url" />
        </Field>
        {kind === "mqtt" && (
          <Field label={t("forward.username")} reason={against("/target/username")}>
            <Input value={form.username} autoComplete="off" onChange={({ target }) => change({ username: target.value })} data-testid="rule-username" />
          </Field>
        )}
        {SECRETS[kind].map((name) => (
          <SecretField key={name} name={name} editing={editing} stored={stored.includes(name)} wide={kind !== "mqtt"} />
        ))}
        {kind === "mqtt" && <Mqtt editing={editing} />}
        {kind === "websocket" && (
          <Field label={t("forward.confirm")} reason={null} title={t("forward.confirmHint")} wide>
            <Segmented
              block
              value={form.confirm}
              options={(["ack", "pong"] as const).map((value) => ({ value, label: t(`forward.${value}`) }))}
              onChange={(confirm: "ack" | "pong") => change({ confirm })}
            />
          </Field>
        )}
      </div>
    </section>
  );
}

interface SecretProps {
  name: Secret;
  editing: Editing;
  stored: boolean;
  wide: boolean;
}

/** A secret that goes in and never comes out: what is stored is only said to be there. */
function SecretField({ name, editing: { form, change, against }, stored, wide }: SecretProps) {
  const t = useT();
  const { secrets } = form;
  const forgotten = secrets[name] === null;
  const says = forgotten ? "forward.forgotten" : stored ? "forward.stored" : "forward.noSecret";
  const set = (value: string | null) => change({ secrets: { ...secrets, [name]: value } });
  return (
    <Field
      label={t(`forward.${name}`)}
      reason={against(`/target/${name}`)}
      wide={wide}
      {...(stored
        ? {
            beside: (
              <button type="button" className="link-button beside" onClick={() => set(forgotten ? "" : null)}>
                {t(forgotten ? "forward.keep" : "forward.forget")}
              </button>
            ),
          }
        : {})}
    >
      <Input.Password
        value={secrets[name] ?? ""}
        placeholder={t(says)}
        autoComplete="new-password"
        onChange={({ target }) => set(target.value)}
        data-testid={`rule-${name}`}
      />
    </Field>
  );
}

function Mqtt({ editing: { form, change, against } }: { editing: Editing }) {
  const t = useT();
  return (
    <details className="more">
      <summary>{t("forward.mqttMore")}</summary>
      <div className="fields">
        <Field label={t("forward.stateTopic")} reason={against("/target/state_topic")} wide>
          <Input value={form.stateTopic} spellCheck={false} onChange={({ target }) => change({ stateTopic: target.value })} />
        </Field>
        <Field label={t("forward.eventTopic")} reason={against("/target/event_topic")} wide>
          <Input value={form.eventTopic} spellCheck={false} onChange={({ target }) => change({ eventTopic: target.value })} />
        </Field>
        <Field label={t("forward.version")} reason={null}>
          <Segmented block value={form.version} options={["5", "3.1.1"]} onChange={(version) => change({ version: version as "5" | "3.1.1" })} />
        </Field>
        <Field label={t("forward.retain")} reason={null}>
          <Switch size="small" checked={form.retain} onChange={(retain) => change({ retain })} aria-label={t("forward.retain")} />
        </Field>
      </div>
    </details>
  );
}
