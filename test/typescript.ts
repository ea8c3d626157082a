/** TypeScript, which tests import by its name and get from here: an `import` of it would take three times as long. */
export { ts as default } from "../scripts/typescript.ts";
