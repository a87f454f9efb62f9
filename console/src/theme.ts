/** Ant Design in the command hall's colours: dark, quiet, one accent. */

import { theme as antd, type ThemeConfig } from "antd";

export const theme: ThemeConfig = {
  algorithm: antd.darkAlgorithm,
  token: {
    colorPrimary: "#3d8bfd",
    colorInfo: "#3d8bfd",
    colorSuccess: "#3fb68b",
    colorWarning: "#d9a441",
    colorError: "#f0625a",
    colorBgBase: "#0d141c",
    colorBgContainer: "#141e29",
    colorBgElevated: "#18232f",
    colorBorder: "#2b3a49",
    colorBorderDisabled: "#22303e",
    colorBorderSecondary: "#213040",
    colorTextBase: "#e4ebf2",
    borderRadius: 6,
    fontSize: 13,
    controlHeight: 32,
    controlHeightLG: 38,
    fontSizeLG: 14,
    fontFamily: '"Inter", "Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", system-ui, sans-serif',
  },
  components: {
    Modal: { contentBg: "#141e29", headerBg: "#141e29" },
    Tabs: { horizontalMargin: "0", itemColor: "#8a9bac" },
  },
};
