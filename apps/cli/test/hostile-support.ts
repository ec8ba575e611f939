import { expect } from "vitest";
import type { Ran } from "./support.ts";

/** One error with code and way out, the exit code of the contract, no trace, nothing on stdout. */
export const refused = (ran: Ran, code: string | readonly string[], exit: number): void => {
  expect(ran.error, `exit ${ran.code}: ${ran.stderr.slice(0, 2000)}${ran.stdout.slice(0, 500)}`).toBeDefined();
  expect([ran.error?.code, ran.code], ran.error?.message.slice(0, 500)).toEqual([
    typeof code === "string" ? code : code.includes(ran.error?.code ?? "") ? ran.error?.code : code,
    exit,
  ]);
  expect(ran.error?.hint, ran.error?.message.slice(0, 500)).toMatch(/\S/);
  expect(ran.stdout).toBe("");
  expect(ran.stderr).not.toMatch(/\n\s+at /);
};

/** The characters of a text that a terminal may obey; line ends and tabs apart. Into a pipe JSON keeps bidirectional marks: they are text. */
export const acting = (text: string, pipedJson: boolean): readonly string[] =>
  Array.from(text).filter((c) => {
    const code = c.codePointAt(0) ?? 0;
    if (code === 9 || code === 10) return false;
    return code < 32 || (code >= 0x7f && code < 0xa0) || code === 0x2028 || (code === 0x202e && !pipedJson);
  });
