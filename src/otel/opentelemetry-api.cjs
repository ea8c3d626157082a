"use strict";

/*
 * CommonJS, and copied into the package as it is: a missing package must be an error at first use that says what to install.
 * An `import` of it would fail before any code of ours runs, an `import()` would make `instrumentEvents` asynchronous, and
 * only a `require` that is written out is found by bundlers.
 */
exports.requireApi = () => require("@opentelemetry/api");
