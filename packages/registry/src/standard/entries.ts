import type { NamespaceEntry, RegistryColumn } from "../types.ts";

const columnsOf = (namespace: string, types: Readonly<Record<string, string>>): readonly RegistryColumn[] =>
  Object.entries(types).map(([field, type]) => ({ name: `${namespace}__${field}`, type }));

const entryOf = (namespace: string, description: string, types: Readonly<Record<string, string>>): NamespaceEntry => ({
  namespace,
  owner: "usr",
  description,
  columns: columnsOf(namespace, types),
});

const INTERVALS = "list<struct<start_0:int64,end_0:int64,strand:int64,partial:bool>>";

const FEATURES = `list<struct<${[
  "feature_id:string,feature_order:int64,feature_type:string,label:string,role_hint:string",
  "location_raw:string,location_kind:string,start_0:int64,end_0:int64,strand:int64",
  `intervals_0:${INTERVALS}`,
  "is_fuzzy:bool,is_compound:bool,qualifiers:list<struct<key:string,value:string>>",
  "confidence:string,source:string",
].join(",")}>>`;

const DERIVED_FEATURES = `list<struct<${[
  "feature_id:string,label:string,role_hint:string,feature_type:string,status:string",
  `original_intervals_0:${INTERVALS}`,
  `derived_intervals_0:${INTERVALS}`,
  "clipped_bp:int64,reason:string",
].join(",")}>>`;

/**
 * Namespaces that the Python program ships ready-made, letter by letter as it registers them: names, order and types of columns enter the
 * contract hash, owner and description the registry hash.
 */
export const STANDARD: readonly NamespaceEntry[] = [
  entryOf("usr_label", "Human-readable labels and aliases for canonical sequence records.", {
    primary: "string",
    aliases: "list<string>",
  }),
  entryOf("seq_annot", "Imported source annotation overlays with preserved GenBank location fidelity.", {
    format: "string",
    source_file: "string",
    source_sha256: "string",
    source_artifact_uri: "string",
    parser: "string",
    parser_version: "string",
    record_id: "string",
    record_name: "string",
    description: "string",
    topology: "string",
    molecule_type: "string",
    sequence_region_start_0: "int64",
    sequence_region_end_0: "int64",
    features: FEATURES,
  }),
  entryOf("derived", "Derived-product lineage, focal selection, and feature-retention overlays.", {
    parent_id: "string",
    parent_dataset: "string",
    operation: "string",
    product_kind: "string",
    target_length: "int64",
    source_interval_start_0: "int64",
    source_interval_end_0: "int64",
    source_intervals_0: INTERVALS,
    orientation: "string",
    template_id: "string",
    template_dataset: "string",
    focal_rule: "string",
    focal_features: "list<string>",
    focal_confidence: "string",
    analysis_only: "bool",
    added_left_bp: "int64",
    added_right_bp: "int64",
    added_sequence_source: "string",
    features_retained: DERIVED_FEATURES,
    features_clipped: DERIVED_FEATURES,
    features_lost: DERIVED_FEATURES,
    created_by: "string",
    spec_id: "string",
  }),
];
