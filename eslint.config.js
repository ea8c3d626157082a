import { defineConfig, globalIgnores } from "eslint/config";
import tseslint from "typescript-eslint";

export default defineConfig(
  globalIgnores(["dist/", "generated/", "coverage/", "docs/"]),
  {
    files: ["**/*.ts"],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      // Wire names are read from records on purpose: `members["source_request_id"]` says that nothing vouches for them.
      "@typescript-eslint/dot-notation": "off",
      // Named, documented types that add nothing to the type they name.
      "@typescript-eslint/no-empty-object-type": ["error", { allowInterfaces: "with-single-extends" }],
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_" }],
      "@typescript-eslint/consistent-type-definitions": ["error", "interface"],
    },
  },
  {
    files: ["src/**/*.ts"],
    ignores: [
      "src/cli/**",
      "src/node/**",
      "src/testing/**",
      "src/arrivals/**",
      "src/transport/node-*.ts",
      "src/transport/undici-*.ts",
      "src/transport/platform-node.ts",
    ],
    rules: {
      "no-restricted-globals": ["error", "Buffer", "process", "require", "global", "setImmediate"],
      "no-restricted-imports": [
        "error",
        { patterns: [{ group: ["node:*"], message: "The root entry runs wherever fetch does." }] },
      ],
    },
  },
  {
    files: ["test/**/*.ts"],
    rules: {
      // Given shapes the test itself made.
      "@typescript-eslint/no-non-null-assertion": "off",
      "@typescript-eslint/no-empty-function": "off",
    },
  },
);
