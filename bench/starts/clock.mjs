/** Says how long the import took, and when the first event was acknowledged, since the process was started. */
export const url = process.argv[2];
const startedMs = performance.now();
let importMs = 0;

export function imported() {
  importMs = performance.now() - startedMs;
}

export function acknowledged() {
  console.log(JSON.stringify({ importMs, acknowledgedMs: performance.now() }));
  process.exit();
}
