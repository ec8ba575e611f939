// Seconds by rows, both axes logarithmic, as an SVG that reads in light and dark.

/** Name in the figures, name in the picture, hue. */
const OPERATIONS = [
  ["import csv", "import csv", 210],
  ["validate --strict", "validate", 280],
  ["export csv, 1 part", "export csv", 160],
  ["attach float64 from csv", "attach csv", 30],
  ["export parquet, 1 part", "export parquet", 340],
  ["materialize one float64 column", "materialize a column", 100],
  ["head -n 10, 1 part", "head", 0],
];
const [WIDTH, HEIGHT] = [760, 440];
const [LEFT, RIGHT, TOP, BOTTOM] = [64, 170, 24, 52];
const LABEL = 15;

const count = (rows) => (rows >= 1e6 ? `${rows / 1e6}M` : `${rows / 1e3}k`);
const place = (value) => value.toFixed(1);

/** `undefined` while fewer than two sizes were measured. */
export const growthCurves = (all) => {
  const sizes = Object.entries(all)
    .filter(([key]) => key.startsWith("rows"))
    .map(([, result]) => result)
    .toSorted((a, b) => a.count - b.count);
  if (sizes.length < 2) return undefined;
  const curves = OPERATIONS.map(([name, label, hue]) => {
    const points = sizes.flatMap(({ count: rows, figures }) => {
      const found = figures.find((figure) => figure.name === name && figure.by === undefined);
      return found === undefined ? [] : [{ rows, seconds: found.seconds }];
    });
    return { label, hue, points };
  }).filter(({ points }) => points.length > 1);
  const seconds = curves.flatMap(({ points }) => points.map((point) => point.seconds));
  const low = Math.floor(Math.log10(Math.min(...seconds)));
  const high = Math.ceil(Math.log10(Math.max(...seconds)));
  const first = Math.log10(sizes[0].count);
  const last = Math.log10(sizes.at(-1).count);
  const x = (rows) => LEFT + ((Math.log10(rows) - first) / (last - first)) * (WIDTH - LEFT - RIGHT);
  const y = (s) => HEIGHT - BOTTOM - ((Math.log10(s) - low) / (high - low)) * (HEIGHT - TOP - BOTTOM);

  const lines = [];
  for (let power = low; power <= high; power++) {
    const at = place(y(10 ** power));
    lines.push(`<line class="grid" x1="${LEFT}" y1="${at}" x2="${WIDTH - RIGHT}" y2="${at}"/>`);
    lines.push(
      `<text x="${LEFT - 8}" y="${place(y(10 ** power) + 4)}" text-anchor="end">${10 ** power >= 1 ? 10 ** power : (10 ** power).toFixed(-power)}</text>`,
    );
  }
  for (const { count: rows } of sizes) {
    const at = place(x(rows));
    lines.push(`<line class="grid" x1="${at}" y1="${TOP}" x2="${at}" y2="${HEIGHT - BOTTOM}"/>`);
    lines.push(`<text x="${at}" y="${HEIGHT - BOTTOM + 18}" text-anchor="middle">${count(rows)}</text>`);
  }
  lines.push(
    `<text x="${(LEFT + WIDTH - RIGHT) / 2}" y="${HEIGHT - 12}" text-anchor="middle">rows (logarithmic)</text>`,
  );
  const turn = `${18},${(TOP + HEIGHT - BOTTOM) / 2}`;
  lines.push(
    `<text x="18" y="${(TOP + HEIGHT - BOTTOM) / 2}" text-anchor="middle" transform="rotate(-90 ${turn})">seconds (logarithmic)</text>`,
  );

  // Names stand where their curves end, pushed apart where these end close to each other.
  let lowest = Number.NEGATIVE_INFINITY;
  const ended = curves.toSorted((a, b) => y(a.points.at(-1).seconds) - y(b.points.at(-1).seconds));
  for (const { label, hue, points } of ended) {
    const end = points.at(-1);
    lowest = Math.max(y(end.seconds) + 4, lowest + LABEL);
    const path = points.map(({ rows, seconds: s }) => `${place(x(rows))},${place(y(s))}`).join(" ");
    lines.push(`<g style="--hue: ${hue}"><polyline points="${path}"/>`);
    for (const { rows, seconds: s } of points) lines.push(`<circle cx="${place(x(rows))}" cy="${place(y(s))}" r="3"/>`);
    lines.push(
      `<text class="name" x="${WIDTH - RIGHT + 10}" y="${place(lowest)}">${label} ${end.seconds.toFixed(2)} s</text></g>`,
    );
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="Seconds of operations by rows, both axes logarithmic">
<style>
text { font: 12px system-ui, sans-serif; fill: #444; }
.grid { stroke: #8884; }
polyline { fill: none; stroke-width: 2; stroke: hsl(var(--hue) 65% 42%); }
circle { fill: hsl(var(--hue) 65% 42%); }
.name { fill: hsl(var(--hue) 65% 36%); }
@media (prefers-color-scheme: dark) {
text { fill: #bbb; }
polyline { stroke: hsl(var(--hue) 65% 65%); }
circle { fill: hsl(var(--hue) 65% 65%); }
.name { fill: hsl(var(--hue) 65% 72%); }
}
</style>
${lines.join("\n")}
</svg>
`;
};
