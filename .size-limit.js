/** What each entry may weigh in a bundle, minified and gzipped. `npx size-limit` says what it weighs now. */

/** Found at run time, where they are installed: optional peers, and what Node has. */
const OUTSIDE = ["bullmq", "ioredis", "pg", "libsql", "undici", "@iabtcf/core", "@iabgpp/cmpapi", "@opentelemetry/api"];

/**
 * @param {string} name - of the entry, as it is imported.
 * @param {string} imports - what is taken of it: `*` for all.
 * @param {string} limit - the budget.
 * @param {"browser" | "node"} platform - whose conditions choose the files.
 */
function entry(name, imports, limit, platform = "node") {
  const file = name === "mparticle-events" ? "index" : name.slice("mparticle-events/".length);
  return {
    name: imports === "*" ? name : `${imports} of ${name}`,
    path: `dist/${file}.js`,
    import: imports,
    limit,
    gzip: true,
    ignore: [...OUTSIDE, "@stoplight/prism-cli"],
    modifyEsbuildConfig: (config) => ({ ...config, format: "esm", platform, target: "es2022", tsconfigRaw: {} }),
  };
}

export default [
  entry("mparticle-events", "*", "43.6 kB", "browser"),
  entry("mparticle-events", "{ EventsClient, createBatch, customEvent }", "30 kB", "browser"),
  entry("mparticle-events", "{ createBatch, customEvent, purchase, gdprConsent }", "2 kB", "browser"),
  entry("mparticle-events/validate", "*", "33 kB", "browser"),
  entry("mparticle-events/consent", "*", "13.5 kB", "browser"),
  entry("mparticle-events/plan", "*", "15.5 kB", "browser"),
  entry("mparticle-events/node", "*", "21.5 kB"),
  entry("mparticle-events/testing", "*", "61 kB"),
  entry("mparticle-events/bullmq", "*", "18.4 kB"),
  entry("mparticle-events/postgres", "*", "19.4 kB"),
  entry("mparticle-events/otel", "*", "4.4 kB"),
];
