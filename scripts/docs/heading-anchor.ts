/** The anchor that GitHub gives a heading. The site gives the same, so that a link leads to one place in both. */
export function headingAnchor(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, "")
    .replaceAll(" ", "-");
}
