import { Button } from "antd";
import type { Proposal } from "../api/model";
import { isKey, useLanguage, useT } from "../i18n";
import { said } from "../i18n/phrases";
import { adopt } from "./draft";

/** What would fly instead; one click asks for that. */
export function Proposals({ proposals, onAdopt = adopt }: { proposals: readonly Proposal[]; onAdopt?: (proposal: Proposal) => void }) {
  const t = useT();
  const language = useLanguage();
  if (!proposals.length) return null;
  return (
    <ul className="proposals" aria-label={t("proposal.title")}>
      {proposals.map((proposal) => {
        const key = `proposal.${proposal.kind}`;
        return (
          <li key={`${proposal.kind}/${proposal.detail}`} data-testid="proposal" data-kind={proposal.kind}>
            <span>
              <strong>{isKey(key) ? t(key) : proposal.kind}</strong>
              <small className="num">{said(proposal.detail, language)}</small>
            </span>
            <Button size="small" data-testid="adopt" onClick={() => onAdopt(proposal)}>
              {t("proposal.adopt")}
            </Button>
          </li>
        );
      })}
    </ul>
  );
}
