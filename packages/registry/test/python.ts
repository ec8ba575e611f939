import type { NamespaceEntry, YamlValue } from "../src/types.ts";
import { isList, isMapping } from "../src/values.ts";

/** Builds the document of tagged JSON, dumps it, reads its own dump back, and gives text, hash and contract hashes. */
export const DUMP = `
import datetime, hashlib, yaml

def build(node, shared):
    tag, rest = node
    if tag == "ref":
        return shared[rest]
    if tag == "s":
        return rest
    if tag == "const":
        return rest
    if tag == "int":
        return int(rest)
    if tag == "float":
        return float(rest.replace(".inf", "inf").replace(".nan", "nan"))
    slot, items = rest
    if tag == "date":
        shared[slot] = datetime.date.fromisoformat(items)
        return shared[slot]
    if tag == "datetime":
        shared[slot] = datetime.datetime.fromisoformat(items)
        return shared[slot]
    value = [] if tag == "list" else {}
    shared[slot] = value
    if tag == "list":
        value.extend(build(item, shared) for item in items)
    else:
        for key, item in items:
            value[build(key, shared)] = build(item, shared)
    return value

def sha(text):
    return hashlib.sha256(text.encode("utf-8")).hexdigest()

def main(entries):
    shared = {}
    namespaces = {}
    for entry in entries:
        namespaces[entry["namespace"]] = {
            "owner": build(entry["owner"], shared),
            "description": build(entry["description"], shared),
            "columns": [dict(c) for c in entry["columns"]],
        }
    text = yaml.safe_dump({"namespaces": namespaces}, sort_keys=True)
    contracts = {ns: sha(yaml.safe_dump({"namespace": ns, "columns": e["columns"]}, sort_keys=True)) for ns, e in namespaces.items()}
    return {"text": text, "hash": sha(text), "contracts": contracts}
`;

/** Loads a text as the Python program does and dumps it again; \`null\` where it refuses. */
export const LOAD = `
import yaml

STATE = {"usr_state__masked": "bool", "usr_state__qc_status": "string", "usr_state__split": "string",
         "usr_state__supersedes": "string", "usr_state__lineage": "list<string>"}

def rebuild(text):
    data = yaml.safe_load(text) or {}
    namespaces = {}
    for ns, entry in (data.get("namespaces") or {}).items():
        ns = str(ns)
        columns = []
        for column in entry.get("columns") or []:
            name, type_ = column.get("name"), column.get("type")
            if not name or not type_:
                raise ValueError("column")
            name, type_ = str(name), str(type_)
            if not name.startswith(ns + "__"):
                raise ValueError("prefix")
            columns.append({"name": name, "type": type_})
        if len({c["name"] for c in columns}) != len(columns):
            raise ValueError("twice")
        namespaces[ns] = {"owner": entry.get("owner"), "description": entry.get("description"), "columns": columns}
    if {c["name"]: c["type"] for c in namespaces["usr_state"]["columns"]} != STATE:
        raise ValueError("usr_state")
    return yaml.safe_dump({"namespaces": namespaces}, sort_keys=True)

def main(text):
    try:
        return {"text": rebuild(text)}
    except Exception as error:
        return {"error": type(error).__name__ + ": " + str(error)[:300]}
`;

/** A value as tagged JSON; an object met again is a reference, so that Python shares it too. */
export const encoder = (): ((value: YamlValue) => unknown) => {
  const slots = new Map<YamlValue, number>();
  const encode = (value: YamlValue): unknown => {
    if (typeof value === "string") return ["s", value];
    if (value === null || typeof value === "boolean") return ["const", value];
    if (!isList(value) && (value.kind === "int" || value.kind === "float")) return [value.kind, value.text];
    const slot = slots.get(value);
    if (slot !== undefined) return ["ref", slot];
    const mine = slots.size;
    slots.set(value, mine);
    if (isList(value)) return ["list", [mine, value.map(encode)]];
    if (!isMapping(value)) return [value.kind, [mine, value.text]];
    return ["map", [mine, value.entries.map((pair) => pair.map(encode))]];
  };
  return encode;
};

export const encodeEntries = (entries: readonly NamespaceEntry[]): unknown => {
  const encode = encoder();
  return entries.map(({ namespace, owner, description, columns }) => ({
    namespace,
    owner: encode(owner),
    description: encode(description),
    columns,
  }));
};
