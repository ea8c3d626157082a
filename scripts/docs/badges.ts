/** What the badges of the README say, read from `package.json`, so that they are true. */
import { readFileSync } from "node:fs";

interface Manifest {
  readonly license: string;
  readonly engines: { readonly node: string };
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly exports: Readonly<Record<string, unknown>>;
}

const MANIFEST = new URL("../../package.json", import.meta.url);

function readBadges(): readonly (readonly [label: string, value: string])[] {
  const { license, engines, dependencies = {}, exports } = JSON.parse(readFileSync(MANIFEST, "utf8")) as Manifest;
  const root = exports["."];
  const ways = root !== null && typeof root === "object" && "require" in root ? "ESM and CommonJS" : "ESM";
  return [
    ["dependencies", String(Object.keys(dependencies).length)],
    ["node", engines.node.replace(">=", "≥ ")],
    ["modules", ways],
    ["types", "included"],
    ["license", license],
  ];
}

const CHARACTER = 6.6;
const PADDING = 6;
const GAP = 6;

/** The badges in one picture, which needs nothing of the net. */
export function drawBadges(): string {
  let x = 0;
  const badges = readBadges().map(([label, value]) => {
    const [left, right] = [label, value].map((text) => Math.round(text.length * CHARACTER) + 2 * PADDING) as [
      number,
      number,
    ];
    const start = x;
    x += left + right + GAP;
    return [
      `<rect x="${String(start)}" width="${String(left)}" height="20" fill="#555"/>`,
      `<rect x="${String(start + left)}" width="${String(right)}" height="20" fill="#2563a8"/>`,
      `<text x="${String(start + left / 2)}" y="14">${label}</text>`,
      `<text x="${String(start + left + right / 2)}" y="14">${value}</text>`,
    ].join("");
  });
  const width = String(x - GAP);
  const said = readBadges()
    .map((badge) => badge.join(": "))
    .join(", ");
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="20" viewBox="0 0 ${width} 20" role="img" aria-label="${said}">`,
    `<g fill="#fff" font-family="Verdana,sans-serif" font-size="11" text-anchor="middle">`,
    ...badges,
    "</g></svg>\n",
  ].join("\n");
}
