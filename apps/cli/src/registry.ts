import { requireRegistry } from "@usr/dataset";
import type { Registry } from "@usr/registry";
import type { Session } from "./session.ts";

/** The root's registry; `NO_REGISTRY` where the root has none. */
export const readRegistry = async (session: Session): Promise<Registry> =>
  requireRegistry((await session.root()).storage);
