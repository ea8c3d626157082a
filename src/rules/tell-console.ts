/** Tells the console. A test suite may have it throw, to find what is told: nothing that is sent may hang on that. */
export function tellConsole(level: "warn" | "error", ...told: readonly unknown[]): void {
  try {
    console[level](...told);
  } catch {
    // There is nobody left to tell.
  }
}
