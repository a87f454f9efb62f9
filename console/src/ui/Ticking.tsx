import { type HTMLAttributes, useEffect, useRef } from "react";
import { everyTick } from "../state/ticker";

interface Props extends HTMLAttributes<HTMLSpanElement> {
  /** What it reads now, and its level for the style sheet. */
  read: (nowMs: number) => { text: string; level?: string };
}

/** A text that changes with time alone: written into the document directly, React does not render for it. */
export function Ticking({ read, ...rest }: Props) {
  const span = useRef<HTMLSpanElement>(null);
  useEffect(
    () =>
      everyTick((nowMs) => {
        const { current } = span;
        if (!current) return;
        const { text, level = "" } = read(nowMs);
        if (current.textContent !== text) current.textContent = text;
        if (current.dataset.level !== level) current.dataset.level = level;
      }),
    [read],
  );
  return <span ref={span} {...rest} />;
}
