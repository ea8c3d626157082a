/** Writes the reference of every public name as Markdown: a page for each entry, and one for the payloads. */
import type { Documentation, PublicMember, PublicName } from "./public-names.ts";

/** A page of the reference. */
export interface ReferencePage {
  /** The name of its file, without `.md`. */
  readonly name: string;
  readonly title: string;
  readonly markdown: string;
}

/** Of the contract, and described by it. */
const PAYLOADS = "generated/schema.ts";

const KINDS = [
  ["function", "Functions"],
  ["class", "Classes"],
  ["value", "Values"],
  ["type", "Types"],
] as const;

/**
 * Makes the pages.
 *
 * @param entries - what each entry exports, by the name that people import, such as `mparticle-events/validate`.
 */
export function referencePages(entries: ReadonlyMap<string, readonly PublicName[]>): readonly ReferencePage[] {
  const places = new Map<string, string>();
  const pages: {
    name: string;
    title: string;
    intro: string;
    names: readonly PublicName[];
    again: readonly PublicName[];
  }[] = [];
  for (const [entry, names] of entries) {
    const file = fileOf(entry);
    const isNew = (one: PublicName): boolean => !places.has(placeOf(one));
    const again = names.filter((one) => !isNew(one));
    const payloads = names.filter((one) => isNew(one) && one.file === PAYLOADS);
    const others = names.filter((one) => isNew(one) && one.file !== PAYLOADS);
    for (const one of others) places.set(placeOf(one), `${file}.md#${one.name}`);
    for (const one of payloads) places.set(placeOf(one), `payloads.md#${one.name}`);
    pages.push({ name: file, title: entry, intro: `What \`${entry}\` exports.`, names: others, again });
    if (payloads.length === 0) continue;
    const intro = `Types of what is sent, as the contract describes it. All are exported by \`${entry}\`.`;
    pages.push({ name: "payloads", title: "Payloads", intro, names: payloads, again: [] });
  }
  // Links name a type without saying which entry it is of; a page prefers its own.
  const byName = new Map([...places].map(([place, link]) => [place.slice(place.indexOf(":") + 1), link]));
  const list = pages.map(({ name, title, intro }) => `- [${title}](${name}.md): ${intro}`).join("\n");
  return [
    {
      name: "index",
      title: "Reference",
      markdown: `# Reference\n\nEvery public name, with what its docstring says. Editors show the same.\n\n${list}\n`,
    },
    ...pages.map(({ name, title, intro, names, again }) => {
      const own = new Map(names.map((one) => [one.name, `#${one.name}`]));
      const link = (target: string): string => own.get(target) ?? byName.get(target) ?? "";
      const parts = KINDS.flatMap(([kind, heading]) => {
        const ofKind = names.filter((one) => one.kind === kind);
        return ofKind.length === 0 ? [] : [`## ${heading}`, ...ofKind.map((one) => sectionOf(one, link))];
      });
      const elsewhere = again.map((one) => `[\`${one.name}\`](${places.get(placeOf(one)) ?? ""})`).join(", ");
      if (elsewhere !== "") parts.push(`## Described elsewhere\n\n${elsewhere}`);
      return { name, title, markdown: `# ${title}\n\n${intro}\n\n${parts.join("\n\n")}\n` };
    }),
  ];
}

type Link = (target: string) => string;

function placeOf({ file, name }: PublicName): string {
  return `${file}:${name}`;
}

function fileOf(entry: string): string {
  return entry === "mparticle-events" ? "root" : entry.slice(entry.indexOf("/") + 1);
}

function sectionOf({ name, signature, documentation, members }: PublicName, link: Link): string {
  return [
    // Names that differ in capitals alone, such as `sqliteOutbox` and its type, have places of their own.
    `### ${name} {#${name}}`,
    "```ts\n" + signature + "\n```",
    ...paragraphsOf(documentation, link),
    ...(members.length === 0 ? [] : [members.map((member) => memberOf(member, link)).join("\n")]),
  ].join("\n\n");
}

function paragraphsOf(documentation: Documentation, link: Link): readonly string[] {
  const { text, parameters, returns, throws, examples } = documentation;
  const rows = [
    ...parameters.map((parameter) => `- \`${parameter.name}\`: ${prose(parameter.text, link)}`),
    ...(returns === "" ? [] : [`- Returns ${prose(returns, link)}`]),
    ...throws.map((one) => `- Throws ${prose(one, link)}`),
  ];
  return [
    prose(text, link),
    ...(rows.length === 0 ? [] : [rows.join("\n")]),
    ...examples.map((example) => (example.startsWith("```") ? example : "```ts\n" + example + "\n```")),
  ].filter((part) => part !== "");
}

function memberOf({ signature, documentation }: PublicMember, link: Link): string {
  const { text, defaultsTo, parameters, returns, throws } = documentation;
  const said = [
    text,
    defaultsTo === "" ? "" : `Default: ${defaultsTo}.`,
    ...parameters.map((parameter) => `\`${parameter.name}\`: ${parameter.text}`),
    returns === "" ? "" : `Returns ${returns}`,
    ...throws.map((one) => `Throws ${one}`),
  ].filter((part) => part !== "");
  const words = said.map((part) => (/[.:!?]$/.test(part) ? part : `${part}.`)).join(" ");
  return `- ${codeOf(signature)}: ${prose(words, link).replace(/\s*\n\s*/g, " ")}`;
}

/** Code may hold backticks, such as those of a type of texts. */
function codeOf(text: string): string {
  return text.includes("`") ? `\`\` ${text} \`\`` : `\`${text}\``;
}

/** The words of a docstring: its links become links, and what looks like a tag stays text. */
function prose(text: string, link: Link): string {
  return text
    .split(/(```[^]*?```|``.*?``|`[^`]*`)/)
    .map((part, index) =>
      index % 2 === 1
        ? part
        : part
            .replace(/</g, "&lt;")
            .replace(/\{\{/g, "&#123;&#123;")
            .replace(/\{@link ([\w.]+)\}/g, (_, target: string) => {
              const place = link(target.split(".", 1)[0] ?? "");
              return place === "" ? `\`${target}\`` : `[\`${target}\`](${place})`;
            }),
    )
    .join("");
}
