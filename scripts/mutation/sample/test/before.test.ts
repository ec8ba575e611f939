import { expect, test, vi } from "vitest";

// The larger file, which runs first. Its tests load the modules themselves, and take no notice of faults in them.

test("loads the modules anew, and asks for nothing", async () => {
  vi.resetModules();
  const { codeOf } = await import("../src/codes.ts");
  expect(codeOf).toBeTypeOf("function");
});

test("is the first to ask, and does not look at the answer", async () => {
  const { codeOf, greeting } = await import("../src/codes.ts");
  codeOf("EMFILE");
  greeting();
});
