import type { Output } from "./terminal.ts";

/** What is needed of a stream to write to it. */
export interface WritableSide {
  write(text: string): boolean;
  on(event: "error", listener: (error: NodeJS.ErrnoException) => void): unknown;
  on(event: "drain", listener: () => void): unknown;
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
}

/**
 * The output over a stream. When whoever reads has gone, as `head` goes, the rest is thrown away: the command goes on, and
 * looks at `isClosed` where it would go on for long.
 *
 * @param onClosed - called when nobody reads any more, each time that this shows.
 * @param onFault - called with any other fault, as of a full disk.
 */
export function streamOutput(
  stream: WritableSide,
  onClosed: () => void,
  onFault: (error: NodeJS.ErrnoException) => void,
): Output {
  let isClosed = false;
  const waiting: (() => void)[] = [];
  const release = (): void => {
    for (const goOn of waiting.splice(0)) goOn();
  };
  stream.on("drain", release);
  stream.on("error", (error) => {
    if (error.code !== "EPIPE") {
      onFault(error);
      return;
    }
    isClosed = true;
    onClosed();
    release(); // there will be no room any more, and nobody is to wait for it
  });
  return {
    write: (text) =>
      isClosed || stream.write(text)
        ? Promise.resolve()
        : new Promise((resolve) => {
            waiting.push(resolve);
          }),
    get isClosed() {
      return isClosed;
    },
    get isTTY() {
      return stream.isTTY === true;
    },
    get columns() {
      return stream.columns ?? 80;
    },
  };
}
