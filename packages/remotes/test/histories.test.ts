import { testRuns } from "@usr/testkit";
import fc from "fast-check";
import { expect, it } from "vitest";
import { RemoteError } from "../src/index.ts";
import {
  add,
  bringBack,
  compact,
  demo,
  eventsOf,
  filesOf,
  idsOf,
  type Place,
  place,
  pull,
  push,
  registerMock,
  remove,
  SEQUENCES,
  score,
  state,
  viewOf,
  world,
} from "./support.ts";

type Side = "here" | "there";

/** One thing that somebody does at one of the two places, or a sync between them. */
type Deed =
  | { readonly kind: "attach"; readonly side: Side; readonly row: number; readonly value: number }
  | { readonly kind: "import"; readonly side: Side; readonly text: string }
  | { readonly kind: "delete" | "restore" | "state"; readonly side: Side; readonly row: number; readonly value: number }
  | { readonly kind: "compact"; readonly side: Side; readonly form: "parts" | "file" }
  | { readonly kind: "register"; readonly side: Side; readonly name: string }
  | { readonly kind: "pull" | "push" };

const side = fc.constantFrom<Side>("here", "there");
const row = fc.nat(5);
const value = fc.nat(3);

const deed: fc.Arbitrary<Deed> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("attach" as const), side, row, value }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("import" as const),
      side,
      text: fc.string({ unit: fc.constantFrom("A", "C", "G", "T"), minLength: 6, maxLength: 8 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom("delete" as const, "restore" as const, "state" as const),
      side,
      row,
      value,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("compact" as const),
      side,
      form: fc.constantFrom("parts" as const, "file" as const),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("register" as const), side, name: fc.constantFrom("a", "b") }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constantFrom("pull" as const, "push" as const) }) },
);

const QC = ["pass", "fail", "warn", "unknown"] as const;

const act = async (at: Place, one: Extract<Deed, { readonly side: Side }>): Promise<unknown> => {
  switch (one.kind) {
    case "attach":
      return score(at, { [SEQUENCES[one.row]!]: one.value });
    case "import":
      return add(at, [one.text]);
    case "compact":
      // A namespace without overlay is refused: that is a deed too.
      return compact(at, "mock", one.form).catch(() => undefined);
    case "register":
      return registerMock(at, one.name);
    default: {
      const ids = [(await idsOf(at))[one.row]!];
      if (one.kind === "delete") return remove(at, ids, `reason ${one.value}`);
      return one.kind === "restore" ? bringBack(at, ids) : state(at, ids, QC[one.value]!);
    }
  }
};

/** Syncs; a refusal must have changed nothing on either side. */
const attempt = async (here: Place, there: Place, direction: "pull" | "push"): Promise<boolean> => {
  const before = [await filesOf(here), await filesOf(there)];
  try {
    await (direction === "pull" ? pull : push)(here, there);
    return true;
  } catch (error) {
    if (!(error instanceof RemoteError)) throw error;
    expect(["CONFLICT", "LATE_PART"]).toContain(error.code);
    expect(error.hint).not.toBe(undefined);
    expect([await filesOf(here), await filesOf(there)]).toEqual(before);
    return false;
  }
};

it("any two histories become one, or are told apart and left as they are; no event and no row is ever lost", async () => {
  let merged = 0;
  let refused = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(deed, { minLength: 1, maxLength: 12 }), async (deeds) => {
      const w = world();
      const places = { here: place(w, "here"), there: place(w, "there") };
      const { here, there } = places;
      await demo(here);
      await push(here, there);
      for (const one of deeds) {
        if ("side" in one) await act(places[one.side], one);
        else await attempt(here, there, one.kind);
      }
      const events = new Set([...(await eventsOf(here)), ...(await eventsOf(there))]);
      const ids = new Set([...(await idsOf(here)), ...(await idsOf(there))]);
      if ((await attempt(here, there, "pull")) && (await attempt(here, there, "push"))) {
        merged++;
        expect(await viewOf(here)).toEqual(await viewOf(there));
        expect(new Set(await eventsOf(here))).toEqual(events);
        expect(new Set(await eventsOf(there))).toEqual(events);
        expect(new Set(await idsOf(here))).toEqual(ids);
        expect((await pull(here, there)).state).toBe("NO-OP");
        expect((await push(here, there)).state).toBe("NO-OP");
      } else refused++;
    }),
    { numRuns: testRuns(60) },
  );
  expect(merged).toBeGreaterThan(refused / 2);
});
