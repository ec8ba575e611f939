// Which literals are wording, sentences for people: a mutant that empties one breaks no law.
// 1. The message of an error: in `new XError(CODE, message, ...)` the second argument, in `new RangeError(message)` the first one.
// 2. The value of a property `hint`, `message` or `reason`, and an object that holds nothing but a hint.
// 3. The arguments of the helpers named below, which make such a message of them, and the third one of `new Mismatch`.
// What an error says besides counts: its code, its details, whether there is one.
import { declareValuePlugin, PluginKind } from "@stryker-mutator/api/plugin";

const PROPERTIES = new Set(["hint", "message", "reason"]);
const HELPERS = new Set(["damaged", "corrupt", "refusal", "refuse", "problem", "report"]);
const BUILT_IN = new Set(["Error", "TypeError", "RangeError", "SyntaxError"]);

const isWording = (path) => {
  const { node } = path;
  return node.type === "StringLiteral" || node.type === "TemplateLiteral";
};

const propertyName = (node) =>
  node?.type === "ObjectProperty" && node.key.type === "Identifier" && !node.computed ? node.key.name : undefined;

/** Whether what stands at `key` (the place in the list of arguments) of a call is wording. */
function isMessage(call, at) {
  if (call.callee.type !== "Identifier") return false;
  const { name } = call.callee;
  if (call.type === "CallExpression") return HELPERS.has(name);
  if (name === "Mismatch") return at === 2;
  return name.endsWith("Error") && at === (BUILT_IN.has(name) ? 0 : 1);
}

function shouldIgnore(path) {
  const { node } = path;
  if (
    node.type === "ObjectExpression" &&
    node.properties.length > 0 &&
    node.properties.every((property) => propertyName(property) === "hint")
  ) {
    return "the hint of an error";
  }
  if (!isWording(path)) return undefined;
  for (let at = path; at.parentPath !== null; at = at.parentPath) {
    const parent = at.parentPath;
    if (at.key === "value" && PROPERTIES.has(propertyName(parent.node))) return "a sentence about an error";
    if ((parent.isNewExpression() || parent.isCallExpression()) && at.listKey === "arguments") {
      return isMessage(parent.node, at.key) ? "the message of an error" : undefined;
    }
    if (!parent.isTemplateLiteral() && !parent.isConditionalExpression() && !parent.isBinaryExpression()) {
      return undefined;
    }
  }
  return undefined;
}

export const strykerPlugins = [declareValuePlugin(PluginKind.Ignore, "wording", { shouldIgnore })];
