import { RegistryError } from "@usr/registry";
import { expect } from "vitest";

/** The error that `work` ends with; fails unless it is a `RegistryError`. */
export const refusal = async (work: () => unknown): Promise<RegistryError> => {
  try {
    await work();
  } catch (error) {
    expect(error).toBeInstanceOf(RegistryError);
    if (error instanceof RegistryError) return error;
  }
  throw new Error("Nothing was refused.");
};

export const STATE_TEXT = `
  usr_state:
    owner: usr
    columns:
    - {name: usr_state__masked, type: bool}
    - {name: usr_state__qc_status, type: string}
    - {name: usr_state__split, type: string}
    - {name: usr_state__supersedes, type: string}
    - {name: usr_state__lineage, type: list<string>}
`;

/** A registry whose entries are `entries` (indented by two blanks) and `usr_state`. */
export const withState = (entries: string): string => `namespaces:\n${entries}${STATE_TEXT}`;
