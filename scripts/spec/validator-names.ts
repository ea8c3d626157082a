/** The functions of checks.js. */
export const RUNTIME = [
  ...[
    "exactInteger",
    "isEmpty",
    "isFull",
    "isObject",
    "jsonMembers",
    "locate",
    "locateName",
    "longerThan",
    "missing",
    "notAmong",
    "notEqual",
  ],
  ...["notFormatted", "notMatching", "outside", "shorterThan", "unknown", "wrongTag", "wrongType"],
];

/** Names that no written function may have: words of the language, globals that are used, and the functions' own variables. */
export const RESERVED = [
  ...["arguments", "await", "break", "case", "catch", "class", "const", "continue", "data", "debugger", "default"],
  ...["delete", "do", "else", "enum", "eval", "export", "extends", "false", "finally", "for", "function", "if"],
  ...["implements", "import", "in", "instanceof", "interface", "let", "new", "null", "package", "private", "protected"],
  ...[
    "public",
    "return",
    "static",
    "super",
    "switch",
    "this",
    "throw",
    "true",
    "try",
    "typeof",
    "var",
    "void",
    "while",
  ],
  ...["with", "yield", "undefined", "NaN", "Infinity", "value", "out", "key", "member", "members", "found"],
  ...["count", "index"],
  ...["Array", "Number", "Object"],
];

/** What a variable for a required member begins with, so that no written function may. */
export const FLAG = /^lacks(?![a-z])/;
