/** Colours of the map. Colour means state; everything else is a shade of the ground. */

export const palette = {
  water: "#0b1118",
  land: "#111a23",
  border: "#3b4d5f",
  grid: "#1a2632",
  text: "#c6d2de",
  halo: "#0b1118",
  inclusion: "#3f9c8a",
  exclusion: "#e5534b",
  advisory: "#d29b33",
  "no-film": "#b18cff",
  rally: "#7ee0c8",
  focus: "#ffe08a",
  plan: "#58a6ff",
  planText: "#08121f",
  fence: "#7ee0c8",
  conflict: "#ff6a5f",
  track: "#f2f6fa",
  ghost: "#c9a7ff",
  aim: "#ffe08a",
  dock: "#dbe6f0",
} as const;
