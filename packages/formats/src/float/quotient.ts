/** 2^27 + 1 parts a double into two halves whose products are exact (Veltkamp). */
const SPLIT = 134_217_729;
/** Above any error of the correction below, which is made of one sum and one quotient. */
const ERROR = 2 ** -48;

/**
 * The double nearest to `(head * power + tail) / divisor`, or NaN where it lies too near the middle of two doubles to be told this way, which is
 * about one number of 2^47. `head` below 10^15, `power` and `divisor` powers of ten up to 10^3 and 10^22, `tail` below `power`; all integers.
 *
 * The dividend is held as a double and an exact rest, the quotient as a double and a correction from the exact remainder.
 */
export function nearestQuotient(head: number, power: number, tail: number, divisor: number): number {
  const near = head * power + tail;
  // The two differ by a few hundred at most, so their low 32 bits tell the difference exactly.
  const rest = (Math.imul(head | 0, power) + tail - (near | 0)) | 0;
  const quotient = near / divisor;
  const product = quotient * divisor;
  const remainder = near - product - productError(quotient, divisor, product);
  const correction = (remainder + rest) / divisor;
  const value = quotient + correction * (1 - ERROR);
  return value === quotient + correction * (1 + ERROR) ? value : NaN;
}

/** `a * b - product` exactly, where the product is the rounded one (Dekker). */
function productError(a: number, b: number, product: number): number {
  const aHigh = a * SPLIT - (a * SPLIT - a);
  const aLow = a - aHigh;
  const bHigh = b * SPLIT - (b * SPLIT - b);
  const bLow = b - bHigh;
  return aLow * bLow - (product - aHigh * bHigh - aLow * bHigh - aHigh * bLow);
}
