import type { Command, Option } from "commander";

/** One command, as a shell has to know it. */
interface Known {
  /** With the names of the commands above it, such as `plan diff`. */
  readonly path: string;
  readonly summary: string;
  readonly flags: readonly Flag[];
  readonly children: readonly string[];
}

interface Flag {
  readonly long: string;
  readonly description: string;
  readonly takesValue: boolean;
  /** The values it can have, where they are known. */
  readonly choices: readonly string[];
  /** Its value is a file. */
  readonly isFile: boolean;
}

/** The script that a shell reads; made of the very commands, so that none is forgotten. */
export function describeCompletion(root: Command, shell: "bash" | "zsh" | "fish"): string {
  const commands = knownBelow(root, "");
  return { bash: describeBash, zsh: describeZsh, fish: describeFish }[shell](root.name(), commands);
}

function knownBelow(command: Command, above: string): readonly Known[] {
  const below = command.commands.flatMap((child) => knownBelow(child, `${above} ${child.name()}`.trim()));
  const flags = [...command.options.map(toFlag), { ...HELP }].filter(({ long }) => long !== "");
  const children = command.commands.map((child) => child.name());
  return [{ path: above, summary: command.summary() || command.description(), flags, children }, ...below];
}

const HELP: Flag = {
  long: "--help",
  description: "what it does, with examples",
  takesValue: false,
  choices: [],
  isFile: false,
};

function toFlag(option: Option): Flag {
  return {
    long: option.long ?? "",
    description: option.description,
    takesValue: option.required || option.optional,
    choices: option.argChoices ?? [],
    isFile: option.flags.includes("<file>"),
  };
}

function describeBash(name: string, commands: readonly Known[]): string {
  const cases = commands.map(
    ({ path, flags, children }) =>
      `    ${quote(path)}) words=${quote([...children, ...flags.map(({ long }) => long)].join(" "))} ;;`,
  );
  const choices = choicesOf(commands).map(
    ([flag, values]) => `    ${flag}) COMPREPLY=($(compgen -W ${quote(values.join(" "))} -- "$current")); return ;;`,
  );
  return `# bash completion for ${name}; made by: ${name} completion bash
_mparticle_events() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}" path="" word words
  case "$previous" in
${choices.join("\n")}
  esac
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "\${path:+$path }$word" in
${groupOf(commands)}) path="\${path:+$path }$word" ;;
    esac
  done
  case "$path" in
${cases.join("\n")}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  [ "\${current#-}" = "$current" ] && [ -n "$path" ] && COMPREPLY+=($(compgen -f -- "$current"))
}
complete -o filenames -F _mparticle_events ${name}
`;
}

function groupOf(commands: readonly Known[]): string {
  return `      ${commands
    .filter(({ path }) => path !== "")
    .map(({ path }) => quote(path))
    .join("|")}`;
}

function choicesOf(commands: readonly Known[]): readonly (readonly [string, readonly string[]])[] {
  const all = commands.flatMap(({ flags }) => flags).filter(({ choices }) => choices.length > 0);
  return [...new Map(all.map(({ long, choices }) => [long, choices]))];
}

function describeZsh(name: string, commands: readonly Known[]): string {
  const cases = commands.map(({ path, flags, children }) => {
    const below = children.map((child) => {
      const known = commands.find((one) => one.path === `${path} ${child}`.trim());
      return quote(`${child}:${(known?.summary ?? "").replaceAll(":", "\\:")}`);
    });
    const specs = flags.map(({ long, description, takesValue, choices, isFile }) => {
      const text = description.replace(/[[\]:]/g, "\\$&");
      const value = !takesValue
        ? ""
        : choices.length > 0
          ? `:value:(${choices.join(" ")})`
          : isFile
            ? ":file:_files"
            : ":value:";
      return quote(`*${long}[${text}]${value}`);
    });
    const commandLine =
      below.length === 0 ? "" : `\n      local -a children=(${below.join(" ")})\n      _describe command children`;
    return `    ${quote(path)})${commandLine}\n      _arguments -S ${specs.join(" ")} '*:file:_files' ;;`;
  });
  return `#compdef ${name}
# zsh completion for ${name}; made by: ${name} completion zsh
_mparticle_events() {
  local path_ word
  for word in \${words[2,CURRENT-1]}; do
    case "\${path_:+$path_ }$word" in
${groupOf(commands)}) path_="\${path_:+$path_ }$word" ;;
    esac
  done
  case "$path_" in
${cases.join("\n")}
  esac
}
# Loaded by compinit, or by hand.
if [ "\${funcstack[1]}" = "_${name}" ]; then _mparticle_events "$@"; else compdef _mparticle_events ${name}; fi
`;
}

function describeFish(name: string, commands: readonly Known[]): string {
  const lines = commands.flatMap(({ path, flags, children }) => {
    const words = path === "" ? [] : path.split(" ");
    const isHere =
      words.length === 0
        ? "__fish_use_subcommand"
        : words.map((word) => `__fish_seen_subcommand_from ${word}`).join("; and ");
    const below = children.map((child) => {
      const known = commands.find((one) => one.path === `${path} ${child}`.trim());
      return `complete -c ${name} -n ${quote(isHere)} -a ${child} -d ${quote(known?.summary ?? "")}`;
    });
    const options = flags.map(({ long, description, takesValue, choices, isFile }) => {
      const value = !takesValue
        ? ""
        : choices.length > 0
          ? ` -x -a ${quote(choices.join(" "))}`
          : isFile
            ? " -r -F"
            : " -x";
      return `complete -c ${name} -n ${quote(isHere)} -l ${long.replace(/^--/, "")}${value} -d ${quote(description)}`;
    });
    return [...below, ...options];
  });
  return `# fish completion for ${name}; made by: ${name} completion fish\n${lines.join("\n")}\n`;
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
