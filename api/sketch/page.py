"""The sketch as one SVG file, and as a page with its figures, conflicts and proof; neither needs anything else."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from api.sketch import plane, profile
from api.sketch.svg import WATER
from geofence.onboard import fence_bytes
from geofence.zones import Airspace
from missions.model import Plan

FONT = "system-ui, 'Noto Sans CJK SC', 'PingFang SC', 'Microsoft YaHei', sans-serif"
_GAP = 14.0


def svg(plan: Plan, airspace: Airspace) -> str:
    """The map over the altitude profile as an SVG document. A plan without waypoints shows its surroundings only."""
    height = plane.HEIGHT + (_GAP + profile.HEIGHT if plan.waypoints else 0.0)
    lower = f'<g transform="translate(0 {plane.HEIGHT + _GAP})">{profile.profile(plan)}</g>' if plan.waypoints else ""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {plane.WIDTH:g} {height:g}" '
        f'font-family="{escape(FONT)}"><rect width="{plane.WIDTH:g}" height="{height:g}" fill="{WATER}"/>'
        f"{plane.plane(plan, airspace)}{lower}</svg>\n"
    )


def html(plan: Plan, airspace: Airspace, name: str) -> str:
    """The page; the map zooms with the wheel and moves with the pointer."""
    verdict = "可以飞行 · clear to fly" if not plan.conflicts else "不可飞行 · not to be flown"
    tone = "ok" if not plan.conflicts else "bad"
    return PAGE.format(
        title=escape(name),
        verdict=verdict,
        tone=tone,
        svg=svg(plan, airspace),
        facts="".join(f"<tr><th>{escape(what)}</th><td>{escape(value)}</td></tr>" for what, value in facts(plan)),
        conflicts=list_of("冲突 · Conflicts", (conflict.detail for conflict in plan.conflicts)),
        proof=_proof(plan),
        font=FONT,
    )


def facts(plan: Plan) -> list[tuple[str, str]]:
    """What a person wants to know of a plan first, as name and value."""
    minutes, seconds = divmod(round(plan.duration_s), 60)
    found = [
        ("waypoints", str(len(plan.waypoints))),
        ("length", f"{plan.length_m / 1000:.2f} km"),
        ("time", f"{minutes} min {seconds:02d} s"),
        ("energy", f"{plan.energy_wh:.0f} Wh"),
        ("battery needed", f"{plan.battery_needed_pct:.0f} % with reserve"),
        ("way home if it fails", str(plan.returns)),
        ("airspace version", str(plan.airspace_version)),
    ]
    if plan.battery_p95_pct:
        found.append(("battery, 95 of 100 flights", f"{plan.battery_p95_pct:.0f} % with reserve"))
    if plan.fence:
        vertices = sum(len(polygon.ring) for polygon in plan.fence.polygons)
        found.append(("on-board fence", f"{vertices} vertices, {fence_bytes(plan.fence)} bytes"))
        found.append(("fence ceiling", f"{plan.fence.alt_max_rel_m:g} m above home"))
    if plan.hash:
        found.append(("mission hash", plan.hash[:12]))
    return found


def _proof(plan: Plan) -> str:
    if plan.proof is None:
        return ""
    rows = "".join(
        f"<tr class={'ok' if check.ok else 'bad'}><td>{'✓' if check.ok else '✗'}</td><td>{escape(check.rule)}</td>"
        f"<td>{_metres(check.gap_m)}</td><td>{_metres(check.needed_m)}</td><td>{escape(check.detail)}</td></tr>"
        for check in plan.proof.checks
    )
    head = "<tr><th></th><th>rule</th><th>found</th><th>needed</th><th></th></tr>"
    return f"<section><h2>证明 · Proof</h2><table>{head}{rows}</table></section>"


def _metres(value: float | None) -> str:
    return "" if value is None else f"{value:.2f} m"


def list_of(title: str, lines: Iterable[str]) -> str:
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return f"<section><h2>{title}</h2><ul class=bad>{items}</ul></section>" if items else ""


PAGE = """<!doctype html>
<html lang="zh-CN"><head><meta charset="utf-8"><title>{title} · Bailu 白鹭</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
body {{ margin: 0; background: #0b1118; color: #c6d2de; font: 15px/1.5 {font}; }}
main {{ max-width: 1240px; margin: 0 auto; padding: 20px; }}
h1 {{ font-size: 22px; margin: 0 0 4px; }} h2 {{ font-size: 16px; margin: 26px 0 8px; color: #dbe6f0; }}
.verdict {{ display: inline-block; padding: 2px 12px; border-radius: 12px; margin-bottom: 14px; }}
.verdict.ok {{ background: #12392f; color: #7ee0c8; }} .verdict.bad {{ background: #451d1d; color: #ff9b93; }}
svg {{ width: 100%; height: auto; border-radius: 8px; display: block; touch-action: none; cursor: grab; }}
table {{ border-collapse: collapse; }} th, td {{ text-align: left; padding: 3px 18px 3px 0; vertical-align: top; }}
th {{ color: #7f8fa0; font-weight: 500; }} tr.bad td, ul.bad {{ color: #ff9b93; }}
tr.ok td:first-child {{ color: #7ee0c8; }}
</style></head><body><main>
<h1>{title}</h1><div class="verdict {tone}">{verdict}</div>
{svg}
{conflicts}
<section><h2>飞行 · Flight</h2><table>{facts}</table></section>
{proof}
</main><script>
const svg = document.querySelector("svg"), box = svg.viewBox.baseVal, whole = [box.x, box.y, box.width, box.height];
const unit = () => box.width / svg.clientWidth;
svg.addEventListener("wheel", (event) => {{
  event.preventDefault();
  const by = Math.exp(event.deltaY * 0.0015), rect = svg.getBoundingClientRect();
  const width = Math.min(whole[2], Math.max(whole[2] / 60, box.width * by)), share = width / box.width;
  box.x += (event.clientX - rect.left) * unit() * (1 - share);
  box.y += (event.clientY - rect.top) * unit() * (1 - share);
  box.height *= share; box.width = width;
}}, {{ passive: false }});
svg.addEventListener("pointermove", (event) => {{
  if (!event.buttons) return;
  box.x -= event.movementX * unit(); box.y -= event.movementY * unit();
}});
svg.addEventListener("dblclick", () => {{ [box.x, box.y, box.width, box.height] = whole; }});
</script></body></html>
"""
