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

const spelled = (name: string): string => `--${name.replaceAll(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)}`;

export const requiredText = (typed: Typed, name: string): string => {
  const value = text(typed, name);
  if (value === undefined) throw new UsageError(`${spelled(name)} is required`);
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

/** Repeated options, and comma lists inside one, as one list of names. A name that is there twice is a slip, and a result with it once would hide that. */
export const list = (typed: Typed, name: string): readonly string[] | undefined => {
  const texts = repeated(typed, name);
  if (texts === undefined) return undefined;
  const items = texts.flatMap((item) => item.split(",")).map((item) => item.trim());
  const option = spelled(name);
  if (items.includes("")) throw new UsageError(`${option} holds an empty name: ${JSON.stringify(texts.join(","))}`);
  const twice = items.find((item, i) => items.indexOf(item) < i);
  if (twice !== undefined) throw new UsageError(`${option} names ${JSON.stringify(twice)} twice`);
  return items;
};
