// Loads all modules of the package before the first test runs. A module that a test loads itself (after `vi.resetModules`, by `import()`) would
// else count as code of that test if its file happens to come first, and the faults in its constants be judged by that test alone.
import { globSync } from "node:fs";
import { resolve } from "node:path";

for (const file of globSync("src/**/*.ts").sort()) await import(resolve(file));
