import { VERBS } from "./verbs.ts";
import { failsAtEveryCall } from "./write-faults.ts";

failsAtEveryCall(
  VERBS.filter((_, index) => index % 3 === 1),
  1000,
);
