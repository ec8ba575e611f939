/**
 * A double as Python's `repr` writes it: the shortest digits that read back to it, integral values with `.0`, an exponent of at least two digits below
 * 1e-4 and from 1e16 on. NaN and the infinities are `NaN`, `Infinity`, `-Infinity`.
 */
export function floatText(value: number): string {
  const magnitude = Math.abs(value);
  if (magnitude < 1e16 && Number.isInteger(value)) return Object.is(value, -0) ? "-0.0" : `${value}.0`;
  if (magnitude >= 1e-4 && magnitude < 1e16) return String(value);
  if (!Number.isFinite(value)) return String(value);
  const [digits, exponent] = value.toExponential().split("e");
  const sign = exponent!.slice(0, 1);
  return `${digits}e${sign}${exponent!.slice(1).padStart(2, "0")}`;
}
