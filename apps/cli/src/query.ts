import type { Query, ReadOptions } from "@usr/dataset";
import type { Typed } from "./command.ts";
import type { Session } from "./session.ts";
import { flag, list, text } from "./typed.ts";

/** Which registry says what overlay columns mean. */
export const readOptionsOf = (session: Session, typed: Typed): ReadOptions => ({
  registryMode: text(typed, "registryMode") === "frozen" ? "frozen" : "current",
  signal: session.environment.signal,
});

/** What the commands that show rows have in common. */
export const queryOf = (session: Session, typed: Typed): Query => ({
  columns: list(typed, "columns"),
  where: text(typed, "where"),
  includeDeleted: flag(typed, "includeDeleted"),
  overlays: typed.options["overlays"] !== false,
  ...readOptionsOf(session, typed),
});
