/** The path of a file of one of several queues, as those of a process that dies and of the next one call it. */
export function pathOf(path: string | undefined, queue: number): string | undefined {
  return path === undefined || queue === 0 ? path : `${path}-${String(queue)}`;
}
