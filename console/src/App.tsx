import { App as Messages, ConfigProvider } from "antd";
import enUS from "antd/locale/en_US";
import zhCN from "antd/locale/zh_CN";
import { useEffect } from "react";
import { keepReviews } from "./airspace/reviews";
import { ContinueDialog } from "./divert/ContinueDialog";
import { useLanguage, useT } from "./i18n";
import { MapView } from "./map/MapView";
import { AirspaceAlert } from "./panels/AirspaceAlert";
import { AlarmPanel } from "./panels/AlarmPanel";
import { ConnectionBanner } from "./panels/ConnectionBanner";
import { EventLog } from "./panels/EventLog";
import { FleetPanel } from "./panels/FleetPanel";
import { MapControls } from "./panels/MapControls";
import { SidePanel } from "./panels/SidePanel";
import { TopBar } from "./panels/TopBar";
import { TrafficAlert } from "./panels/TrafficAlert";
import { LaunchDialog } from "./plan/LaunchDialog";
import { outdated } from "./state/connection";
import { keepPlaces } from "./state/places";
import { useStore } from "./state/store";
import { theme } from "./theme";

const LOCALES = { zh: zhCN, en: enUS } as const;
const TAGS = { zh: "zh-CN", en: "en" } as const;

/** The dispatcher's one page: the map with everything else floating over it. */
export function App() {
  const language = useLanguage();
  const t = useT();
  const old = useStore(outdated, (now) => now);
  useEffect(() => {
    document.documentElement.lang = TAGS[language];
    document.title = `${t("app.name")} · ${t("app.subtitle")}`;
  }, [language, t]);
  useEffect(keepPlaces, []);
  useEffect(keepReviews, []);
  return (
    <ConfigProvider locale={LOCALES[language]} theme={theme} button={{ autoInsertSpace: false }}>
      <Messages message={{ top: 8, maxCount: 3 }}>
        <div className="page" data-outdated={old}>
          <MapView />
          <TopBar />
          <ConnectionBanner />
          <div className="alerts">
            <TrafficAlert />
            <AirspaceAlert />
          </div>
          <div className="left">
            <FleetPanel />
            <AlarmPanel />
            <EventLog />
          </div>
          <SidePanel />
          <MapControls />
          <LaunchDialog />
          <ContinueDialog />
        </div>
      </Messages>
    </ConfigProvider>
  );
}
