import { expect, test } from "vitest";
import { codeOf, greeting } from "../src/codes.ts";

test("a code", () => {
  expect(codeOf("EMFILE")).toBe("TOO_MANY_FILES");
});

test("a greeting", () => {
  expect(greeting()).toBe("good day");
});
