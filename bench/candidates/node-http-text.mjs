/** `node:http(s)` as in `node-http.mjs`, with nothing to serialise. */
import { open as openPlain } from "./node-http.mjs";

export function open(options) {
  const { uploadText } = openPlain(options);
  return { upload: uploadText, takesText: true };
}
