/** The least that a package can be which sends: what loading it takes, finding it included, is what any package takes. */
export { request } from "node:http";
