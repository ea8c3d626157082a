import type { Bar, Plot } from "./row.ts";

const WIDTH = 760;
const LABELS = 270;
const VALUES = 110;
const BAR = 20;
const STEP = 28;
const TOP = 44;

/**
 * On a ground of its own, because a page may be dark where the system is light and the other way round: an image knows
 * the scheme of the system alone.
 */
const STYLE = `text { font: 13px system-ui, sans-serif; fill: #1f2328 } .title { font-weight: 600 } .ground { fill: #ffffff; stroke: #d1d9e0 }
.ours { fill: #0969da } .peer { fill: #8c959f } .floor { fill: none; stroke: #59636e; stroke-width: 1.5 }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .ground { fill: #0d1117; stroke: #3d444d } .ours { fill: #4493f8 } .peer { fill: #848d97 } .floor { stroke: #9198a1 } }`;

/** Horizontal bars from nought, each with its figure; ours filled in colour, peers in grey, the floor in outline. */
export function drawBars({ title, bars }: Plot): string {
  const most = Math.max(...bars.map(({ value }) => value));
  const height = TOP + bars.length * STEP + 10;
  const lines = bars.map((bar, n) => drawBar(bar, TOP + n * STEP, ((WIDTH - LABELS - VALUES) * bar.value) / most));
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${String(WIDTH)} ${String(height)}" width="${String(WIDTH)}" height="${String(height)}" role="img" aria-label="${escape(title)}">
<style>${STYLE}</style>
<rect class="ground" x="0.5" y="0.5" width="${String(WIDTH - 1)}" height="${String(height - 1)}" rx="6"/>
<text class="title" x="12" y="24">${escape(title)}</text>
${lines.join("\n")}
</svg>
`;
}

function drawBar({ label, text, kind }: Bar, y: number, length: number): string {
  const width = Math.max(1, length).toFixed(1);
  const middle = String(y + BAR / 2 + 5);
  return [
    `<text x="${String(LABELS - 10)}" y="${middle}" text-anchor="end">${escape(label)}</text>`,
    `<rect class="${kind}" x="${String(LABELS)}" y="${String(y)}" width="${width}" height="${String(BAR)}" rx="2"/>`,
    `<text x="${(LABELS + Math.max(1, length) + 8).toFixed(1)}" y="${middle}">${escape(text)}</text>`,
  ].join("");
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}
