import type { NamespaceEntry } from "./types.ts";

/** What every registry holds: the record state that the program keeps beside the data. */
export const USR_STATE: NamespaceEntry = {
  namespace: "usr_state",
  owner: "usr",
  description: "Reserved record-state overlay (masked/qc/split/lineage).",
  columns: [
    { name: "usr_state__masked", type: "bool" },
    { name: "usr_state__qc_status", type: "string" },
    { name: "usr_state__split", type: "string" },
    { name: "usr_state__supersedes", type: "string" },
    { name: "usr_state__lineage", type: "list<string>" },
  ],
};

/** Namespaces that only the program writes; `usr` needs no entry. */
export const isReserved = (namespace: string): boolean => namespace === "usr" || namespace === USR_STATE.namespace;
