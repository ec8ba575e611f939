import type { Typed } from "./command.ts";
import { UsageError } from "./errors.ts";

/** The argument at `at`, which the specs guarantee to be there. */
export const argument = (typed: Typed, at: number): string => {
  const value = typed.args[at];
  if (typeof value !== "string") throw new UsageError(`argument ${at + 1} is missing`);
  return value;
};

export const variadic = (typed: Typed, at: number): readonly string[] => {
  const value = typed.args[at];
  return typeof value === "string" ? [value] : (value ?? []);
};

export const text = (typed: Typed, name: string): string | undefined => {
  const value = typed.options[name];
  return typeof value === "string" ? value : undefined;
};

export const requiredText = (typed: Typed, name: string): string => {
  const value = text(typed, name);
  if (value === undefined)
    throw new UsageError(`--${name.replaceAll(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)} is required`);
  return value;
};

export const flag = (typed: Typed, name: string): boolean => typed.options[name] === true;

export const integer = (typed: Typed, name: string): number | undefined => {
  const value = typed.options[name];
  return typeof value === "number" ? value : undefined;
};

/** Repeated options as they were typed; commas mean nothing. */
export const repeated = (typed: Typed, name: string): readonly string[] | undefined => {
  const value = typed.options[name];
  if (Array.isArray(value)) return value.filter((item) => typeof item === "string");
  return typeof value === "string" ? [value] : undefined;
};

/** Repeated options, and comma lists inside one, as one list. */
export const list = (typed: Typed, name: string): readonly string[] | undefined => {
  const texts = repeated(typed, name);
  if (texts === undefined) return undefined;
  const items = texts.flatMap((item) => item.split(",")).map((item) => item.trim());
  if (items.includes("")) throw new UsageError(`--${name} holds an empty name: ${JSON.stringify(texts.join(","))}`);
  return items;
};
