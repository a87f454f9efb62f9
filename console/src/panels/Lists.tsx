import { PlusOutlined } from "@ant-design/icons";
import { Button, Tabs } from "antd";
import { useT } from "../i18n";
import { startDraft } from "../plan/draft";
import { FleetRange } from "../replay/FleetRange";
import { useStore } from "../state/store";
import { type List, openList, view } from "../state/view";
import { LinkList } from "./LinkList";
import { MissionList } from "./MissionList";
import { SortieList } from "./SortieList";

/** The way to a new patrol, and what was planned and flown before. */
export function Lists() {
  const t = useT();
  const list = useStore(view, (now) => now.list);
  return (
    <>
      <div className="side-new">
        <Button block type="primary" size="large" icon={<PlusOutlined />} data-testid="new-patrol" onClick={startDraft}>
          {t("side.new")}
        </Button>
      </div>
      <Tabs
        className="side-tabs"
        activeKey={list}
        onChange={(key) => openList(key as List)}
        items={[
          { key: "missions", label: t("side.missions"), children: <MissionList /> },
          { key: "sorties", label: t("side.sorties"), children: <Sorties /> },
          { key: "links", label: t("links.title"), children: <LinkList /> },
        ]}
      />
    </>
  );
}

function Sorties() {
  return (
    <>
      <FleetRange />
      <SortieList />
    </>
  );
}
