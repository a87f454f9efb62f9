import { App } from "antd";
import { Problem } from "../api/problem";
import { useLanguage, useT } from "../i18n";
import { problemText } from "../i18n/wording";

/** Runs something that may be refused; a refusal is shown in its own words. */
export function useProblems(): (what: () => Promise<void>) => void {
  const t = useT();
  const language = useLanguage();
  const { message } = App.useApp();
  return (what) => {
    what().catch((reason: unknown) => {
      if (!(reason instanceof Problem)) throw reason;
      const { title, detail } = problemText(reason.document, t, language);
      void message.error(detail ? `${title} · ${detail}` : title, 6);
    });
  };
}
