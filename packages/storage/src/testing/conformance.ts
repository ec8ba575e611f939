import type { ReadableStorage, Storage } from "../types.ts";
import { extendCases } from "./cases-extend.ts";
import { readCases } from "./cases-read.ts";
import { sharingCases } from "./cases-sharing.ts";
import { writeCases } from "./cases-write.ts";
import type { ConformanceFlags } from "./laws.ts";

/** What the suite is run on: fresh for every case. */
export interface ConformanceSubject {
  readonly storage: ReadableStorage | Storage;
  readonly dispose?: (() => PromiseLike<void>) | undefined;
}

/** A fresh storage that holds exactly the objects of `seed`. For a storage with `write`, `seed` is empty: the suite puts the objects. */
export type ConformanceFactory = (seed: ReadonlyMap<string, Uint8Array>) => Promise<ConformanceSubject>;

/** One law; `run` rejects with the reason where it does not hold. Needs no test runner. */
export interface ConformanceCase {
  readonly name: string;
  readonly run: () => Promise<void>;
}

/** The laws of the port as cases, in the form every test runner takes: `for (const { name, run } of cases) it(name, run)`. */
export function storageConformance(
  name: string,
  factory: ConformanceFactory,
  flags: ConformanceFlags = {},
): readonly ConformanceCase[] {
  const reading = Object.entries(readCases).filter(([, law]) => law.needs === undefined || flags[law.needs]);
  const writing = flags.write
    ? Object.entries({ ...writeCases, ...extendCases, ...sharingCases }).filter(
        ([, law]) => law.needs === undefined || flags[law.needs],
      )
    : [];
  return [
    ...reading.map(([title, law]) => ({
      name: `${name}: ${title}`,
      run: () =>
        running(factory, flags.write ? new Map() : law.seed, async ({ storage }) => {
          if (flags.write) {
            for (const [path, bytes] of law.seed) await writable(storage).put(path, bytes);
          }
          await law.run(storage);
        }),
    })),
    ...writing.map(([title, law]) => ({
      name: `${name}: ${title}`,
      run: () => running(factory, new Map(), ({ storage }) => law.run(writable(storage), flags)),
    })),
  ];
}

async function running(
  factory: ConformanceFactory,
  seed: ReadonlyMap<string, Uint8Array>,
  work: (subject: ConformanceSubject) => Promise<void>,
): Promise<void> {
  const subject = await factory(seed);
  try {
    await work(subject);
  } finally {
    await subject.dispose?.();
  }
}

function writable(storage: ReadableStorage | Storage): Storage {
  if ("put" in storage) return storage;
  throw new Error("the flags promise a storage that writes, but it has no put");
}
