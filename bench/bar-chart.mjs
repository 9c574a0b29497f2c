/** @import { Spread } from "./statistics.mjs" */
import { numeral } from "./statistics.mjs";

const [width, left, right, barHeight, gap, top] = [460, 150, 70, 18, 10, 34];
const colours = [
  { name: /^library/, fill: "#1f6feb" },
  { name: /^peer/, fill: "#b08800" },
  { name: /./, fill: "#8b949e" },
];

/**
 * Horizontal bars of medians from 0, each with a line from the least to the greatest.
 * @param {string} title
 * @param {(Spread & { name: string })[]} bars
 */
export function barChart(title, bars) {
  const most = Math.max(...bars.map(({ high, median }) => Math.max(high, median)), Number.MIN_VALUE);
  const scale = (width - left - right) / most;
  const height = top + bars.length * (barHeight + gap) + 6;
  const rows = bars.map(({ name, median, low, high }, i) => {
    const y = top + i * (barHeight + gap);
    const middle = y + barHeight / 2;
    const x = (/** @type {number} */ value) => (left + Math.max(0, value) * scale).toFixed(1);
    const fill = colours.find((colour) => colour.name.test(name))?.fill;
    return [
      `<text x="${left - 8}" y="${middle + 4}" text-anchor="end">${name.replace("library, ", "")}</text>`,
      `<rect x="${left}" y="${y}" width="${(Math.max(0, median) * scale).toFixed(1)}" height="${barHeight}" fill="${fill}"/>`,
      `<path d="M${x(low)} ${middle}H${x(high)}M${x(low)} ${middle - 4}v8M${x(high)} ${middle - 4}v8" stroke="#24292f" fill="none"/>`,
      `<text x="${(Number(x(Math.max(high, median))) + 6).toFixed(1)}" y="${middle + 4}">${numeral(median)}</text>`,
    ].join("\n");
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">
<title>${title}</title>
<rect width="100%" height="100%" fill="#ffffff"/>
<text x="8" y="20" font-weight="bold">${title}</text>
${rows.join("\n")}
</svg>
`;
}
