/**
 * Names other databases know a sequence by: GA4GH refget, MD5, and the four SEGUID v2 checksums. They are cross-references, never a key.
 * Letter case does not count for any of them.
 *
 * ```ts
 * import { cdseguid, refget } from "@usr/id/digests";
 *
 * refget("ACGT"); // "SQ.aKF498dAxcJAqme6QYQ7EZ07-fiw8Kw2"
 * cdseguid("TATGCCAA", "dna"); // "cdseguid=dUxN7YQyVInv3oDcvz8ByupL44A"
 * ```
 *
 * @module
 */
export { cdseguid, csseguid, ldseguid, lsseguid, md5, refget } from "./digests.ts";
