import { DatasetError } from "./error.ts";

const SEGMENT = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

/**
 * The id as it was typed, when it is a legal one: one or two segments joined by `/`, the first not `archived`.
 * Nothing is trimmed, collapsed or completed: an id is exact.
 *
 * @throws DatasetError `DATASET_ID_INVALID`
 */
export function parseDatasetId(text: string): string {
  const rule = brokenRule(text);
  if (rule !== undefined) {
    throw new DatasetError("DATASET_ID_INVALID", `${JSON.stringify(text)} is not a dataset id: ${rule}.`, {
      hint: "A dataset id is NAME or FOLDER/NAME; each part starts with a letter or a digit and goes on with letters, digits, '.', '_' or '-' (128 at most).",
      details: { dataset: text },
    });
  }
  return text;
}

/** Whether `text` may name a dataset. */
export function isDatasetId(text: string): boolean {
  return brokenRule(text) === undefined;
}

function brokenRule(text: string): string | undefined {
  if (text === "") return "it is empty";
  const segments = text.split("/");
  if (segments.length > 2) return "it has more than two parts";
  for (const segment of segments) {
    if (segment === "") return "a part of it is empty";
    if (!SEGMENT.test(segment)) return `the part ${JSON.stringify(segment)} is not allowed`;
  }
  if (segments[0] === "archived") return "'archived' is reserved";
  return undefined;
}

/**
 * What was probably meant: the ids whose last part is the bare name that was typed, else the ids within a third of the name's
 * length of it (two edits at least), nearest first, three at most. Only ever shown, never taken.
 */
export function suggestIds(id: string, known: readonly string[]): readonly string[] {
  const bare = known.filter((other) => !id.includes("/") && other.endsWith(`/${id}`));
  if (bare.length > 0) return bare.length === 1 ? bare : bare.slice(0, 3);
  return nearest(id, known);
}

/** The names within a third of the length of `name` (two edits at least) of it, nearest first, three at most. */
export function nearest(name: string, known: Iterable<string>): readonly string[] {
  const reach = Math.max(2, Math.floor(name.length / 3));
  const scored: { readonly name: string; readonly distance: number }[] = [];
  for (const other of known) {
    const distance = editDistance(name.toLowerCase(), other.toLowerCase());
    if (distance <= reach) scored.push({ name: other, distance });
  }
  scored.sort((a, b) => a.distance - b.distance || (a.name < b.name ? -1 : 1));
  return scored.slice(0, 3).map((entry) => entry.name);
}

function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const swap = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      current.push(Math.min(swap, previous[j]! + 1, current[j - 1]! + 1));
    }
    previous = current;
  }
  return previous[b.length]!;
}
