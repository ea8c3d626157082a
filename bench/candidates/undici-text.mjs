/** undici's `Pool` as in `undici.mjs`, with nothing to serialise. */
import { open as openPlain } from "./undici.mjs";

export function open(options) {
  const { uploadText } = openPlain(options);
  return { upload: uploadText, takesText: true };
}
