import { defineConfig } from "tsdown";

export default defineConfig({
  entry: {
    index: "src/index.ts",
    validate: "src/validate/validate.ts",
    node: "src/node/node.ts",
    testing: "src/testing/testing.ts",
    "platform-node": "src/transport/platform-node.ts",
    "platform-web": "src/transport/platform-web.ts",
  },
  format: ["esm", "cjs"],
  dts: true,
  platform: "neutral",
  target: "es2022",
  // Chosen at run time by `imports` in package.json: bundling it would settle the runtime at build time.
  deps: { neverBundle: [/^#/, /^node:/] },
});
