import type { ReactNode } from "react";

interface Props {
  label: string;
  reason: string | null;
  wide?: boolean;
  title?: string;
  /** Stands beside the label, not part of it: a click on it is its own. */
  beside?: ReactNode;
  children: ReactNode;
}

/** A label, its input and the reason against its value. */
export function Field({ label, reason, wide = false, title, beside, children }: Props) {
  return (
    <div className="field" data-wide={wide} data-beside={beside !== undefined} title={title}>
      {beside}
      <label>
        <span>{label}</span>
        {children}
      </label>
      {reason && (
        <em role="alert" className="field-reason">
          {reason}
        </em>
      )}
    </div>
  );
}
