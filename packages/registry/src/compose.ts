import type { LineCounter } from "yaml";
import type { TextProblem } from "./types.ts";

export type Yaml = typeof import("yaml");

export const MAX_DEPTH = 100;

/** A node of the document; an alias is the node of its anchor. */
export type Node =
  | { readonly kind: "scalar"; readonly text: string; readonly plain: boolean; readonly line: number | undefined }
  | { readonly kind: "list"; readonly items: readonly Node[]; readonly line: number | undefined }
  | { readonly kind: "mapping"; readonly pairs: readonly (readonly [Node, Node])[]; readonly line: number | undefined };

export interface Composed {
  readonly root: Node;
  readonly problems: readonly TextProblem[];
}

/** Turns the library's nodes into a graph in which every alias is resolved, in document order, as PyYAML's composer does. */
export const composeNodes = (yaml: Yaml, contents: unknown, text: string, lines: LineCounter): Composed => {
  const problems: TextProblem[] = [];
  const anchors = new Map<string, Node>();
  const open = new Set<Node>();

  const compose = (source: unknown, depth: number, flow: boolean): Node => {
    if (!yaml.isNode(source)) return scalarOf(yaml, source, undefined);
    const line = source.range ? lines.linePos(source.range[0]).line : undefined;
    const problem = (message: string): void => {
      problems.push({ message, line });
    };
    if (yaml.isAlias(source)) {
      const target = anchors.get(source.source);
      if (target !== undefined && !open.has(target)) return target;
      const where = target === undefined ? "has no anchor before it" : "stands inside its own anchor";
      problem(`The alias *${source.source} ${where}.`);
      return scalarOf(yaml, source, line);
    }
    if (source.tag !== undefined) problem(`The tag ${source.tag} is not supported; a registry needs none.`);
    if (depth > MAX_DEPTH) throw new RangeError("too deep");
    const items: Node[] = [];
    const pairs: [Node, Node][] = [];
    const node: Node = yaml.isSeq(source)
      ? { kind: "list", items, line }
      : yaml.isMap(source)
        ? { kind: "mapping", pairs, line }
        : scalarOf(yaml, source, line);
    if (source.anchor !== undefined) {
      if (anchors.has(source.anchor)) problem(`The anchor &${source.anchor} is set twice.`);
      anchors.set(source.anchor, node);
    }
    if (
      yaml.isScalar(source) &&
      source.type === yaml.Scalar.QUOTE_DOUBLE &&
      HALF.test(text.slice(...(source.range ?? [])))
    ) {
      problem("A \\u escape names half a character; write the whole one with \\U.");
    }
    if (flow && node.kind === "scalar" && node.plain && /^[?:]/.test(node.text)) {
      problem(
        `Inside brackets some readers take the ${node.text.slice(0, 1)} that ${node.text} starts with for an indicator; put it in quotes.`,
      );
    }
    open.add(node);
    const inner = flow || (yaml.isCollection(source) && source.flow === true);
    if (yaml.isSeq(source)) {
      for (const item of source.items) items.push(compose(item, depth + 1, inner));
    } else if (yaml.isMap(source)) {
      for (const { key, value } of source.items) {
        pairs.push([compose(key, depth + 1, inner), compose(value, depth + 1, inner)]);
      }
    }
    open.delete(node);
    return node;
  };

  return { root: compose(contents, 0, false), problems };
};

/** The scalar that `source` is, an empty one for anything else. */
const scalarOf = (yaml: Yaml, source: unknown, line: number | undefined): Node => {
  const text = yaml.isScalar(source) && typeof source.value === "string" ? source.value : "";
  const plain = !yaml.isScalar(source) || source.type === undefined || source.type === yaml.Scalar.PLAIN;
  return { kind: "scalar", text, plain, line };
};

/** An escaped surrogate. Python keeps the halves apart, JavaScript joins them: neither reading would be the other's. */
const HALF = /(?<!\\)(?:\\\\)*\\u[dD][89a-fA-F]/;
