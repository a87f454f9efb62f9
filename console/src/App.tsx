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
import { ForwardingPage } from "./forwarding/ForwardingPage";
import { ReplayBar } from "./replay/ReplayBar";
import { ReplayLog } from "./replay/ReplayLog";
import { outdated } from "./state/connection";
import { useReplaying } from "./state/picture";
import { keepPlaces } from "./state/places";
import { useStore } from "./state/store";
import { theme } from "./theme";

const LOCALES = { zh: zhCN, en: enUS } as const;
const TAGS = { zh: "zh-CN", en: "en" } as const;

/** The dispatcher's one page: the map with everything else floating over it. */
export function App() {
  const language = useLanguage();
  const t = useT();
  const isReplay = useReplaying();
  const old = useStore(outdated, (now) => now) && !isReplay;
  useEffect(() => {
    document.documentElement.lang = TAGS[language];
    document.title = `${t("app.name")} · ${t("app.subtitle")}`;
  }, [language, t]);
  useEffect(keepPlaces, []);
  useEffect(keepReviews, []);
  return (
    <ConfigProvider locale={LOCALES[language]} theme={theme} button={{ autoInsertSpace: false }}>
      <Messages message={{ top: 8, maxCount: 3 }}>
        <div className="page" data-outdated={old} data-replay={isReplay}>
          <MapView />
          <TopBar />
          <ConnectionBanner />
          <div className="left">
            <FleetPanel />
            {isReplay ? <ReplayLog /> : <LiveLog />}
          </div>
          <SidePanel />
          <MapControls />
          {isReplay ? <ReplayBar /> : <LiveOnly />}
        </div>
      </Messages>
    </ConfigProvider>
  );
}

function LiveLog() {
  return (
    <>
      <AlarmPanel />
      <EventLog />
    </>
  );
}

/** What can be acted upon: none of it is there while a recording is shown. */
function LiveOnly() {
  return (
    <>
      <div className="alerts">
        <TrafficAlert />
        <AirspaceAlert />
      </div>
      <ForwardingPage />
      <LaunchDialog />
      <ContinueDialog />
    </>
  );
}
