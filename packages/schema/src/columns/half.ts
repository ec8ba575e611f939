const scratch = new DataView(new ArrayBuffer(8));

/** IEEE 754 binary16 bits of the half nearest to `value`, ties to even, in one rounding step. NaN becomes 0x7e00. */
export function encodeHalf(value: number): number {
  if (Number.isNaN(value)) {
    return 0x7e00;
  }
  scratch.setFloat64(0, value);
  const high = scratch.getUint32(0);
  const sign = (high >>> 16) & 0x8000;
  const size = Math.abs(value);
  // 65520 lies halfway between the largest half and the next power of two, whose significand is even.
  if (size >= 65520) {
    return sign | 0x7c00;
  }
  const exponent = ((high >>> 20) & 0x7ff) - 1023;
  // Scaling by a power of two is exact, so the only rounding is roundEven. A carry runs into the exponent, as it should.
  if (exponent < -14) {
    return sign | roundEven(size * 2 ** 24);
  }
  return sign | (((exponent + 15) << 10) + roundEven(size * 2 ** (10 - exponent)) - 1024);
}

/** The number that binary16 bits stand for, exactly. */
export function decodeHalf(bits: number): number {
  const sign = (bits & 0x8000) === 0 ? 1 : -1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) {
    return sign * fraction * 2 ** -24;
  }
  if (exponent === 0x1f) {
    return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  }
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}

function roundEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}
