/** The map's own pictures, drawn here: nothing is fetched. */

import type { Map as MapLibre } from "maplibre-gl";
import { palette } from "./palette";

const RATIO = 2;

export function addImages(map: MapLibre): void {
  map.addImage("hatch", draw(16, hatch), { pixelRatio: RATIO });
  map.addImage("arrow", draw(16, arrow), { pixelRatio: RATIO });
  map.addImage("rally", draw(20, rally), { pixelRatio: RATIO });
  map.addImage("dock", draw(22, dock), { pixelRatio: RATIO });
  map.addImage("waypoint", draw(18, disc(palette.halo)), { pixelRatio: RATIO });
  map.addImage("waypoint-acts", draw(18, disc(palette.acts)), { pixelRatio: RATIO });
}

function draw(size: number, paint: (context: CanvasRenderingContext2D, size: number) => void): ImageData {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = size * RATIO;
  const context = canvas.getContext("2d");
  if (!context) throw new Error("the browser has no 2D canvas");
  context.scale(RATIO, RATIO);
  paint(context, size);
  return context.getImageData(0, 0, canvas.width, canvas.height);
}

/** Diagonals that meet their neighbours on every side of the tile. */
function hatch(context: CanvasRenderingContext2D, size: number): void {
  context.strokeStyle = palette.exclusion;
  context.globalAlpha = 0.5;
  context.lineWidth = 1.4;
  for (const shift of [-size, 0, size]) {
    context.beginPath();
    context.moveTo(shift, size);
    context.lineTo(shift + size, 0);
    context.stroke();
  }
}

function arrow(context: CanvasRenderingContext2D): void {
  context.fillStyle = palette.plan;
  context.strokeStyle = palette.halo;
  context.lineWidth = 1.5;
  context.beginPath();
  context.moveTo(13, 8);
  context.lineTo(4, 3.5);
  context.lineTo(6.5, 8);
  context.lineTo(4, 12.5);
  context.closePath();
  context.stroke();
  context.fill();
}

/** What a waypoint's number stands on; the rim tells one at which something is done. */
function disc(rim: string) {
  return (context: CanvasRenderingContext2D, size: number): void => {
    context.fillStyle = palette.plan;
    context.strokeStyle = rim;
    context.lineWidth = 1.2;
    context.beginPath();
    context.arc(size / 2, size / 2, size / 2 - 1, 0, 2 * Math.PI);
    context.fill();
    context.stroke();
  };
}

/** A pad: the ring and H of a landing place. */
function dock(context: CanvasRenderingContext2D, size: number): void {
  const half = size / 2;
  context.fillStyle = palette.halo;
  context.strokeStyle = palette.dock;
  context.lineWidth = 1.5;
  context.beginPath();
  context.arc(half, half, half - 2, 0, 2 * Math.PI);
  context.fill();
  context.stroke();
  context.beginPath();
  for (const x of [half - 3, half + 3]) {
    context.moveTo(x, half - 4);
    context.lineTo(x, half + 4);
  }
  context.moveTo(half - 3, half);
  context.lineTo(half + 3, half);
  context.stroke();
}

/** A diamond with an R: where a vehicle may land instead of at home. */
function rally(context: CanvasRenderingContext2D, size: number): void {
  const half = size / 2;
  context.fillStyle = palette.halo;
  context.strokeStyle = palette.rally;
  context.lineWidth = 1.5;
  context.beginPath();
  context.moveTo(half, 1);
  context.lineTo(size - 1, half);
  context.lineTo(half, size - 1);
  context.lineTo(1, half);
  context.closePath();
  context.fill();
  context.stroke();
  context.fillStyle = palette.rally;
  context.font = "bold 10px sans-serif";
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillText("R", half, half + 0.5);
}
