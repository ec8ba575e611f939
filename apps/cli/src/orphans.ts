import { count } from "./text.ts";

/** What becomes of overlay rows whose rows go, as the end of a sentence. Pruned ones are said to be gone for good before anybody agrees. */
export const orphansText = (
  orphans: readonly { readonly namespace: string; readonly rows: number }[],
  prune: boolean,
): string => {
  if (orphans.length === 0) return "";
  const listed = orphans.map(({ namespace, rows }) => `${count(rows, "row")} of ${namespace}`).join(", ");
  return prune ? `, and with them ${listed}, which no snapshot restore brings back` : `; ${listed} left without a row`;
};
