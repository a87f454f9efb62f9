import { useEffect, useState } from "react";
import { api } from "../api/client";
import type { LinkHealth, UnenrolledVehicle } from "../api/model";
import { formatTime } from "../geo/format";
import { isKey, useT } from "../i18n";
import { linkFacts } from "../i18n/wording";
import { live } from "../state/connection";
import { shallow, useStore } from "../state/store";

const ASK_MS = 10_000;

/** How each link to the vehicles does, and who speaks on them without being enrolled. */
export function LinkList() {
  const t = useT();
  const gateways = useStore(live, (now) => [...now.links.values()], shallow);
  if (!gateways.length) return <p className="hint">{t("links.none")}</p>;
  return (
    <>
      {gateways.map(({ gateway, links, heart }) => (
        <section key={gateway} className="links" data-testid="links">
          <p className="verdict" data-good={heart}>
            {t(heart ? "links.heart" : "links.heartless")}
          </p>
          <ul>
            {links.map((link) => (
              <Row key={link.name} link={link} />
            ))}
          </ul>
        </section>
      ))}
      <Unenrolled />
    </>
  );
}

function Row({ link }: { link: LinkHealth }) {
  const t = useT();
  const { name, url, state, since, why } = link;
  return (
    <li data-testid={`link-${name}`} data-state={state}>
      <div>
        <b>{name}</b>
        <small title={url}>{url}</small>
        <span className="state" data-tone={state === "up" ? "good" : state === "down" ? "bad" : "idle"} title={formatTime(since)}>
          {t(`links.${state}`)}
        </span>
      </div>
      {why && <small className="link-why">{why}</small>}
      <small className="num">{linkFacts(link, t)}</small>
    </li>
  );
}

/** Asked for while it is looked at: the list is quiet by nature. */
function Unenrolled() {
  const t = useT();
  const [all, setAll] = useState<readonly UnenrolledVehicle[]>([]);
  useEffect(() => {
    const ask = () => void api.unenrolled().then(setAll, () => undefined);
    ask();
    const timer = setInterval(ask, ASK_MS);
    return () => clearInterval(timer);
  }, []);
  if (!all.length) return null;
  return (
    <section className="links" data-testid="unenrolled">
      <h3>{t("unenrolled.title")}</h3>
      <p className="hint">{t("unenrolled.hint")}</p>
      <ul>
        {all.map(({ link, address, system_id, why, last_heard_at, firmware }) => {
          const key = `unenrolled.${why}`;
          return (
            <li key={`${link}/${address}/${system_id}`}>
              <div>
                <b>{t("unenrolled.system", { n: system_id })}</b>
                <small>
                  {link} · {address}
                </small>
                <span className="state" data-tone="warn">
                  {isKey(key) ? t(key) : why}
                </span>
              </div>
              <small className="num">{[t("unenrolled.heard", { at: formatTime(last_heard_at) }), firmware].filter(Boolean).join(" · ")}</small>
            </li>
          );
        })}
      </ul>
    </section>
  );
}
