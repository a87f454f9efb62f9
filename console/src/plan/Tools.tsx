import { App, Button, Select } from "antd";
import { useMemo, useRef } from "react";
import type { Pattern, PatternSpec, Template } from "../api/model";
import { type Language, useLanguage, useT } from "../i18n";
import { places } from "../state/places";
import { useStore } from "../state/store";
import { choosePattern, type Draft, endDrawing, redraw, takeGeometry } from "./draft";
import { importGeoJson } from "./importGeoJson";
import { nameIn } from "./patterns";

/** One stroke for each pattern, on a 24 × 24 grid; one that is not here gets the route's. */
const ICONS: Readonly<Partial<Record<Pattern, string>>> = {
  route: "M4 18 9 8l6 7 5-10",
  survey: "M4 5h16v14H4zM8 5v14M12 5v14M16 5v14",
  corridor: "M3 16c6-1 6-9 18-9M3 20c8-1 8-9 18-9M3 12c4-1 4-9 18-9",
  perimeter: "M5 5h14v14H5zM9 9h6v6H9z",
  orbit: "M12 4a8 8 0 1 1-7 4M12 10.5a1.5 1.5 0 1 1 0 3 1.5 1.5 0 0 1 0-3",
  "expanding-square": "M12 12h3v3h-6v-6h9v9H6V6h14",
  sector: "M12 12 5 6h14L5 18h14z",
  facade: "M5 20V5h4v15h3V5h4v15h3V5",
  watch: "M6 7h.1M17 5h.1M12 13h.1M5 18h.1M19 17h.1M6 7l11-2M12 13l7 4M5 18l7-5",
};

/** A task's choice is `task/<id>`, a bare pattern's `pattern/<name>`. */
const choiceOf = ({ template, pattern }: Draft) => (template ? `task/${template}` : `pattern/${pattern}`);

function choices(patterns: readonly PatternSpec[], templates: readonly Template[], language: Language, own: string) {
  return patterns.map((spec) => {
    const label = nameIn(language, spec);
    const tasks = templates.filter(({ pattern }) => pattern === spec.pattern);
    return {
      label,
      options: [
        ...tasks.map((task) => ({ value: `task/${task.id}`, label: nameIn(language, task), search: `${task.name} ${task.name_en}` })),
        { value: `pattern/${spec.pattern}`, label: `${label} · ${own}`, search: `${spec.name} ${spec.name_en}` },
      ],
    };
  });
}

/** What to fly: one of the city's tasks or a bare pattern, and the drawing that it needs. */
export function Tools({ draft }: { draft: Draft }) {
  const t = useT();
  const language = useLanguage();
  const patterns = useStore(places, (now) => now.patterns);
  const templates = useStore(places, (now) => now.templates);
  const own = t("plan.ownSettings");
  const options = useMemo(() => choices(patterns, templates, language, own), [patterns, templates, language, own]);
  const spec = patterns.find(({ pattern }) => pattern === draft.pattern);

  const choose = (choice: string) => {
    const [kind, name] = choice.split("/") as ["task" | "pattern", string];
    if (kind === "pattern") return choosePattern(name as Pattern, null);
    const task = templates.find(({ id }) => id === name);
    if (task) choosePattern(task.pattern, task.id);
  };

  return (
    <div className="tools">
      <Select
        size="large"
        aria-label={t("plan.task")}
        data-testid="task"
        value={choiceOf(draft)}
        options={options}
        onChange={choose}
        listHeight={420}
        showSearch={{ optionFilterProp: "search" }}
      />
      <div className="pens" role="group" aria-label={t("plan.pattern")} data-testid="pattern" data-pattern={draft.pattern}>
        {patterns.map((each) => (
          <button
            key={each.pattern}
            type="button"
            data-testid={`pattern-${each.pattern}`}
            aria-pressed={draft.pattern === each.pattern}
            aria-label={nameIn(language, each)}
            title={`${nameIn(language, each)} · ${language === "en" ? each.meaning : each.meaning_zh}`}
            onClick={() => (draft.pattern === each.pattern && !draft.template ? redraw() : choosePattern(each.pattern, null))}
          >
            <svg viewBox="0 0 24 24" aria-hidden="true">
              <path d={ICONS[each.pattern] ?? ICONS.route} />
            </svg>
          </button>
        ))}
      </div>
      <div className="pens-foot">
        <span className="hint">{spec && (language === "en" ? spec.meaning : spec.meaning_zh)}</span>
        {draft.drawing && draft.geometry && (
          <Button size="small" type="primary" data-testid="end-drawing" onClick={endDrawing}>
            {t("plan.endDrawing")}
          </Button>
        )}
        {!draft.drawing && (
          <Button size="small" title={t("plan.editDrawing")} data-testid="redraw" onClick={redraw}>
            {t("plan.redraw")}
          </Button>
        )}
        <Loader />
      </div>
    </div>
  );
}

/** A drawing out of a file. */
function Loader() {
  const t = useT();
  const { message } = App.useApp();
  const file = useRef<HTMLInputElement>(null);
  const load = async (chosen: File) => {
    const found = importGeoJson(await chosen.text());
    if ("error" in found) void message.error(t(found.error));
    else takeGeometry(found.geometry, { name: found.name });
  };
  return (
    <>
      <Button size="small" title={t("plan.loadHint")} onClick={() => file.current?.click()}>
        {t("plan.load")}
      </Button>
      <input
        ref={file}
        type="file"
        hidden
        accept=".geojson,.json,application/geo+json"
        data-testid="geojson-file"
        onChange={({ target }) => {
          const chosen = target.files?.[0];
          if (chosen) void load(chosen);
          // The same file can be chosen again after it was changed.
          target.value = "";
        }}
      />
    </>
  );
}
