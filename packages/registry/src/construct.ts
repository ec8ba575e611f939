import type { Node } from "./compose.ts";
import { plainKind, readPlain } from "./plain.ts";
import type { TextProblem, YamlValue } from "./types.ts";
import { isList, isMapping, isScalar, yamlMapping } from "./values.ts";

/** How much a text may say when every alias is spelled out. */
const MAX_VALUES = 200_000;

export type Loaded = { readonly value: YamlValue } | { readonly problems: readonly TextProblem[] };

type Pairs = readonly (readonly [Node, Node])[];

/** The values of a node graph, as PyYAML's safe constructor makes them; one node gives one object. */
export const constructValue = (root: Node): Loaded => {
  const problems: TextProblem[] = [];
  const values = new Map<Node, YamlValue>();
  const sizes = new Map<Node, number>();
  const merged = new Map<Node, Pairs>();

  const construct = (node: Node): YamlValue => {
    const known = values.get(node);
    if (known !== undefined) return known;
    const value =
      node.kind === "scalar" ? text(node) : node.kind === "list" ? node.items.map(construct) : mapping(node);
    values.set(node, value);
    return value;
  };

  const text = (node: Node & { readonly kind: "scalar" }): YamlValue => {
    if (!node.plain) return node.text;
    try {
      return readPlain(node.text);
    } catch (cause) {
      if (!(cause instanceof RangeError)) throw cause;
      problems.push({ message: cause.message, line: node.line });
      return null;
    }
  };

  const mapping = (node: Node & { readonly kind: "mapping" }): YamlValue =>
    yamlMapping(pairsOf(node).map(([key, value]) => [keyOf(key), construct(value)]));

  const keyOf = (node: Node): YamlValue => {
    // "=" means itself where it is a key
    const key = node.kind === "scalar" && node.plain && node.text === "=" ? "=" : construct(node);
    const usable = !isList(key) && !isMapping(key) && !(isScalar(key) && key.text === ".nan");
    if (usable) return key;
    problems.push({ message: "A key must be text, a number or a time.", line: node.line });
    return null;
  };

  /** The pairs of a mapping with its merge keys (`<<`) replaced by what they name, which come first. */
  const pairsOf = (node: Node & { readonly kind: "mapping" }): Pairs => {
    const known = merged.get(node);
    if (known !== undefined) return known;
    const own = node.pairs.filter(([key]) => !isMerge(key));
    const named = node.pairs.filter(([key]) => isMerge(key)).flatMap(([, value]) => mergedPairs(value));
    const pairs = [...named, ...own];
    merged.set(node, pairs);
    return pairs;
  };

  const mergedPairs = (node: Node): Pairs => {
    if (node.kind === "mapping") return pairsOf(node);
    if (node.kind === "list" && node.items.every((item) => item.kind === "mapping")) {
      // the first of the list wins, so it comes last
      return node.items.toReversed().flatMap((item) => (item.kind === "mapping" ? pairsOf(item) : []));
    }
    problems.push({ message: "<< needs a mapping or a list of mappings.", line: node.line });
    return [];
  };

  /** Values below a node with every alias spelled out; linear, because each node is counted once. */
  const sizeOf = (node: Node): number => {
    const known = sizes.get(node);
    if (known !== undefined) return known;
    const parts = node.kind === "scalar" ? [] : node.kind === "list" ? node.items : node.pairs.flat();
    const size = parts.reduce((sum, part) => sum + sizeOf(part), 1);
    sizes.set(node, size);
    return size;
  };

  if (sizeOf(root) > MAX_VALUES) {
    return { problems: [{ message: `It holds more than ${MAX_VALUES} values when every alias is spelled out.` }] };
  }
  const value = construct(root);
  return problems.length > 0 ? { problems } : { value };
};

const isMerge = (node: Node): boolean => node.kind === "scalar" && node.plain && plainKind(node.text) === "merge";
