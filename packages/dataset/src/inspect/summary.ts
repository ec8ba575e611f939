import { jsonRow } from "@usr/formats";
import type { Column, DataType, Value } from "@usr/schema";
import { columnOf, isValid, valueAt } from "@usr/schema/columns";
import { comparePaths } from "@usr/storage";
import { DistinctCounter } from "./distinct.ts";
import { type Histogram, HistogramCounter } from "./histogram.ts";

/** A value as the JSON of rows shows it: int64 beyond 2^53, timestamps and NaN are text. */
export type Json = null | string | number | boolean | readonly Json[] | { readonly [name: string]: Json };

export interface Lengths {
  readonly min: number;
  readonly max: number;
  readonly mean: number;
}

/** The numbers of a column, or of the lists in it. NaN is counted and takes part in nothing else. */
export interface NumberSummary {
  /** Of the values but NaN; `null` where there are none. */
  readonly min: Json;
  readonly max: Json;
  readonly mean: Json;
  readonly nan: number;
}

/** What a column holds. What does not apply to its type is absent. */
export interface ColumnSummary extends Partial<NumberSummary> {
  readonly column: string;
  /** In registry spelling. */
  readonly type: string;
  /** `base` or a namespace. */
  readonly origin: string;
  readonly non_null: number;
  readonly nulls: number;
  /** Different values, missing ones apart; `null` for lists and structs. */
  readonly distinct: number | null;
  /** Whether `distinct` was counted; beyond 10,000 it is estimated (HyperLogLog, standard error 0.8 %). */
  readonly distinct_exact: boolean;
  /** The first value that is not missing. */
  readonly example: Json;
  readonly true?: number;
  readonly false?: number;
  /** Characters of texts, items of lists. */
  readonly lengths?: Lengths;
  /** Of lists of numbers. */
  readonly items?: NumberSummary & { readonly non_null: number; readonly nulls: number };
  /** Of the finite values, for numeric columns. */
  readonly histogram?: Histogram;
}

const SHOWN_BINS = 24;

/** Takes a column batch by batch, in memory that does not grow with the rows. */
export class ColumnCounter {
  readonly #type: DataType;
  readonly #distinct: DistinctCounter | undefined;
  readonly #values: Extremes | undefined;
  readonly #items: Extremes | undefined;
  readonly #lengths = new LengthCounter();
  readonly #histogram: HistogramCounter;
  #nonNull = 0;
  #nulls = 0;
  #true = 0;
  #itemsNonNull = 0;
  #itemNulls = 0;
  #example: Value = null;

  constructor(type: DataType) {
    this.#type = type;
    this.#histogram = new HistogramCounter(!type.kind.startsWith("float"));
    const nested = type.kind === "list" || type.kind === "fixed_size_list" || type.kind === "struct";
    this.#distinct = nested ? undefined : new DistinctCounter();
    this.#values = nested || type.kind === "bool" ? undefined : new Extremes(type);
    const item = type.kind === "list" || type.kind === "fixed_size_list" ? type.item : undefined;
    this.#items = item !== undefined && isNumber(item) ? new Extremes(item) : undefined;
  }

  add(column: Column): void {
    for (let row = 0; row < column.length; row++) {
      if (!isValid(column, row)) {
        this.#nulls++;
        continue;
      }
      const first = this.#nonNull++ === 0;
      if (column.layout === "list") this.#addItems(column.child, column.offsets[row]!, column.offsets[row + 1]!);
      else if (column.layout === "fixed_list") this.#addItems(column.child, row * column.size, (row + 1) * column.size);
      else if (column.layout !== "struct") this.#addScalar(valueAt(column, row));
      if (first) this.#example = valueAt(column, row);
    }
  }

  summary(): Omit<ColumnSummary, "column" | "type" | "origin"> {
    const type = this.#type;
    const numeric = isNumber(type);
    const lengths = this.#lengths.result();
    const histogram = numeric ? this.#histogram.result(SHOWN_BINS) : undefined;
    return {
      non_null: this.#nonNull,
      nulls: this.#nulls,
      distinct: this.#distinct?.count ?? null,
      distinct_exact: this.#distinct?.exact ?? true,
      ...this.#values?.summary(),
      ...(type.kind === "bool" ? { true: this.#true, false: this.#nonNull - this.#true } : {}),
      ...(lengths === undefined ? {} : { lengths }),
      ...(this.#items === undefined
        ? {}
        : {
            items: {
              non_null: this.#itemsNonNull,
              nulls: this.#itemNulls,
              ...this.#items.summary(),
            },
          }),
      ...(histogram === undefined ? {} : { histogram }),
      example: jsonOf(type, this.#example),
    };
  }

  #addScalar(value: Value): void {
    this.#distinct?.add(String(value));
    this.#values?.add(value);
    if (value === true) this.#true++;
    if (typeof value === "string") this.#lengths.add(characters(value));
    const number = typeof value === "bigint" ? Number(value) : value;
    if (typeof number === "number" && Number.isFinite(number) && isNumber(this.#type)) this.#histogram.add(number);
  }

  #addItems(child: Column, start: number, end: number): void {
    this.#lengths.add(end - start);
    if (this.#items === undefined) return;
    for (let item = start; item < end; item++) {
      if (isValid(child, item)) {
        this.#itemsNonNull++;
        this.#items.add(valueAt(child, item));
      } else this.#itemNulls++;
    }
  }
}

const isNumber = ({ kind }: DataType): boolean => /^(u?int|float)/.test(kind);

/** Code points. */
const characters = (text: string): number => {
  let count = text.length;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code >= 0xd800 && code < 0xdc00) count--;
  }
  return count;
};

class LengthCounter {
  #n = 0;
  #sum = 0;
  #min = Number.POSITIVE_INFINITY;
  #max = 0;

  add(length: number): void {
    this.#n++;
    this.#sum += length;
    this.#min = Math.min(this.#min, length);
    this.#max = Math.max(this.#max, length);
  }

  result(): Lengths | undefined {
    return this.#n === 0 ? undefined : { min: this.#min, max: this.#max, mean: this.#sum / this.#n };
  }
}

/** A sum of floats with the error of each addition carried along (Neumaier). */
class Sum {
  #sum = 0;
  #error = 0;

  add(value: number): void {
    const sum = this.#sum + value;
    if (Number.isFinite(sum))
      this.#error += Math.abs(this.#sum) >= Math.abs(value) ? this.#sum - sum + value : value - sum + this.#sum;
    this.#sum = sum;
  }

  get value(): number {
    return Number.isFinite(this.#sum) ? this.#sum + this.#error : this.#sum;
  }
}

/** From here on values are summed scaled down, so that the sum of any number of finite values is finite. */
const HUGE = 2 ** 960;
const SCALE = 2 ** 64;

/** Least, greatest and mean. Integers are summed exactly, floats in two sums by size. */
class Extremes {
  readonly #type: DataType;
  #min: Value = null;
  #max: Value = null;
  #n = 0;
  #nan = 0;
  #whole = 0n;
  readonly #sum = new Sum();
  readonly #huge = new Sum();

  constructor(type: DataType) {
    this.#type = type;
  }

  add(value: Value): void {
    if (typeof value === "number" && Number.isNaN(value)) {
      this.#nan++;
      return;
    }
    this.#n++;
    if (this.#min === null || less(value, this.#min)) this.#min = value;
    if (this.#max === null || less(this.#max, value)) this.#max = value;
    if (typeof value === "bigint") this.#whole += value;
    else if (typeof value === "number") {
      if (Math.abs(value) < HUGE) this.#sum.add(value);
      else this.#huge.add(value / SCALE);
    }
  }

  summary(): Partial<NumberSummary> & Pick<NumberSummary, "min" | "max" | "mean" | "nan"> {
    const type = this.#type;
    return { min: jsonOf(type, this.#min), max: jsonOf(type, this.#max), mean: this.#mean(), nan: this.#nan };
  }

  #mean(): Json {
    if (this.#n === 0 || !isNumber(this.#type)) return null;
    if (typeof this.#min === "bigint") {
      const n = BigInt(this.#n);
      return Number(this.#whole / n) + Number(this.#whole % n) / this.#n;
    }
    return jsonOf({ kind: "float64" }, (this.#huge.value / this.#n) * SCALE + this.#sum.value / this.#n);
  }
}

/** Texts by code point, as Parquet and SQL order them. */
const less = (a: Value, b: Value): boolean => {
  if (typeof a === "string" && typeof b === "string") return comparePaths(a, b) < 0;
  return a !== null && b !== null && a < b;
};

/** As a row of NDJSON shows the value. */
const jsonOf = (type: DataType, value: Value): Json => {
  const schema = { fields: [{ name: "value", type, nullable: true }], metadata: new Map<string, string>() };
  const row: { readonly value: Json } = JSON.parse(
    jsonRow({ schema, columns: [columnOf(type, [value])], numRows: 1 }, 0),
  );
  return row.value;
};
