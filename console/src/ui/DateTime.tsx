import { Input } from "antd";

interface Props {
  /** RFC 3339; null: not told. */
  value: string | null;
  onChange: (value: string | null) => void;
  label: string;
  testid: string;
}

/** A moment on the operator's clock, to the minute; emptied it is not told. */
export function DateTime({ value, onChange, label, testid }: Props) {
  return (
    <Input
      type="datetime-local"
      value={value ? localOf(value) : ""}
      onChange={({ target }) => onChange(target.value ? new Date(target.value).toISOString() : null)}
      aria-label={label}
      data-testid={testid}
    />
  );
}

/** As the browser's input has it: local time without an offset. */
export function localOf(at: string): string {
  const moment = new Date(at);
  const shifted = new Date(moment.getTime() - moment.getTimezoneOffset() * 60_000);
  return shifted.toISOString().slice(0, 16);
}
