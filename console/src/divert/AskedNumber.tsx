import { InputNumber } from "antd";
import { Field } from "../plan/Field";

interface Props {
  label: string;
  value: number | null;
  onChange: (value: number | null) => void;
  suffix: string;
  testid: string;
  reason?: string | null;
  placeholder?: string;
  step?: number;
}

/** A number with its unit and what is wrong with it. Bounds are the service's to know. */
export function AskedNumber({ label, value, onChange, suffix, testid, reason = null, placeholder = "", step = 1 }: Props) {
  return (
    <Field label={label} reason={reason}>
      <InputNumber
        value={value}
        step={step}
        suffix={suffix}
        placeholder={placeholder}
        onChange={onChange}
        aria-label={label}
        data-testid={testid}
      />
    </Field>
  );
}
