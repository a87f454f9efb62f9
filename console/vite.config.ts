import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

export default defineConfig({
  plugins: [react()],
  // Where `bailu up` listens; only `npm run dev` uses it.
  server: { proxy: { "/api": { target: "http://127.0.0.1:8420", ws: true } } },
  worker: { format: "es" },
  // A clock that is not UTC: what is said in the wrong one shows.
  test: { env: { TZ: "Asia/Shanghai" } },
  build: {
    target: "es2022",
    // The map engine and the widgets are big by nature; they are split off and cached on their own.
    chunkSizeWarningLimit: 1300,
    rolldownOptions: {
      output: {
        codeSplitting: {
          groups: [
            { name: "map", test: /node_modules[\\/](maplibre-gl|@maplibre|@mapbox|terra-draw|earcut|pbf|gl-matrix)/ },
            { name: "widgets", test: /node_modules[\\/](antd|@ant-design|@rc-component)/ },
            { name: "react", test: /node_modules[\\/](react|react-dom|scheduler)[\\/]/ },
          ],
        },
      },
    },
  },
});
