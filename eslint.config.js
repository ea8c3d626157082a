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
    // The scripts that the mock serves to the browser. What comes from the server is `any` there, as JSON is.
    files: ["src/arrivals/page/*.js"],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { project: "tsconfig.page.json", tsconfigRootDir: import.meta.dirname } },
    rules: {
      "@typescript-eslint/no-unsafe-argument": "off",
      "@typescript-eslint/no-unsafe-assignment": "off",
      "@typescript-eslint/no-unsafe-call": "off",
      "@typescript-eslint/no-unsafe-member-access": "off",
      "@typescript-eslint/no-unsafe-return": "off",
      "@typescript-eslint/no-explicit-any": "off",
      "@typescript-eslint/restrict-template-expressions": "off",
      // `const { id, ...rest }` is how a member is left out, and `() => act()` how a key is bound.
      "@typescript-eslint/no-unused-vars": ["error", { ignoreRestSiblings: true }],
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
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
