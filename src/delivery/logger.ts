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
