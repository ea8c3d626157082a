// Loaded before a program of the README: what it sends to mParticle goes to the server at FAKE_SERVICE_PORT.
import http from "node:http";
import https from "node:https";
import { syncBuiltinESMExports } from "node:module";

https.request = ({ hostname, path, method, signal }, onResponse) =>
  http.request(
    { host: "127.0.0.1", port: process.env.FAKE_SERVICE_PORT, path, method, signal, headers: { "x-host": hostname } },
    onResponse,
  );
syncBuiltinESMExports();
