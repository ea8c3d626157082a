import { show } from "../rules/show.ts";

/**
 * The usual four, each with a message and details; `console` is one. A pino logger, which takes the details first, is
 * recognised: the error of the details is its `err`, because that is what pino writes as an error.
 */
export interface Logger {
  /** What is of use when something is being looked for. */
  debug(message: string, details?: object): void;
  /** What is worth knowing and is no fault. */
  info(message: string, details?: object): void;
  /** What went wrong and is being dealt with. */
  warn(message: string, details?: object): void;
  /** What is lost, or needs somebody. */
  error(message: string, details?: object): void;
}

const METHODS = ["debug", "info", "warn", "error"] as const;

/** @throws TypeError - for what does not have the four methods. */
export function requireLogger(logger: Logger | undefined): void {
  if (logger === undefined) return;
  const given: unknown = logger;
  if (given === null || (typeof given !== "object" && typeof given !== "function")) {
    throw new TypeError(`\`logger\` is ${show(given)}; expected an object with the methods ${METHODS.join(", ")}.`);
  }
  const missing = METHODS.find((name) => typeof logger[name] !== "function");
  if (missing !== undefined) {
    throw new TypeError(`\`logger\` has no method \`${missing}\`; expected ${METHODS.join(", ")}.`);
  }
}

/** Pino drops what follows a message: it takes the details before it. */
interface DetailsFirst {
  log(details: object, message: string): unknown;
}

/** Writes a line, with its details where the logger expects them. */
export function logTo(
  logger: Logger,
  level: keyof Logger,
  message: string,
  details: { readonly error?: unknown } | undefined,
): unknown {
  const log: (message: string, details?: object) => unknown = logger[level].bind(logger);
  if (details === undefined || !isPino(logger)) return log(message, details);
  const { error, ...others } = details;
  const detailsFirst = log as unknown as DetailsFirst["log"]; // as pino declares it
  return detailsFirst(error === undefined ? details : { ...others, err: error }, message);
}

function isPino(logger: object): boolean {
  return ["bindings", "child", "isLevelEnabled"].every(
    (name) => typeof (logger as Readonly<Record<string, unknown>>)[name] === "function",
  );
}
