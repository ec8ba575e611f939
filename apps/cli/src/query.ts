import type { Query } from "@usr/dataset";
import type { Typed } from "./command.ts";
import type { Session } from "./session.ts";
import { flag, list, text } from "./typed.ts";

/** What the reading commands have in common. */
export const queryOf = (session: Session, typed: Typed): Query => ({
  columns: list(typed, "columns"),
  includeDeleted: flag(typed, "includeDeleted"),
  overlays: typed.options["overlays"] !== false,
  registryMode: text(typed, "registryMode") === "frozen" ? "frozen" : "current",
  signal: session.environment.signal,
});
