// Work that waits for the next frame of the screen, so that a thousand changes are one drawing.

/** Runs `work` once, soon, however often it is asked for until then. */
export function batched(work: () => void): () => void {
  let asked = false;
  const run = (): void => {
    if (!asked) return;
    asked = false;
    work();
  };
  return () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(run);
    // A page in the background gets no frames, and must not grow for ever.
    if (document.hidden) setTimeout(run, 1_000);
  };
}

/** Repeats `work`, each time after its end and a wait that it names; gives back what ends it. */
export function repeat(work: () => Promise<number>): { stop: () => void; now: () => void } {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let stopped = false;
  let busy = false;
  let again = false;
  const run = async (): Promise<void> => {
    if (busy) {
      again = true;
      return;
    }
    busy = true;
    clearTimeout(timer);
    const wait = await work().catch(() => 2_000);
    busy = false;
    if (stopped) return;
    const hidden = document.hidden ? 10 : 1;
    timer = setTimeout(() => void run(), again ? 0 : wait * hidden);
    again = false;
  };
  void run();
  return {
    stop: () => {
      stopped = true;
      clearTimeout(timer);
    },
    now: () => void run(),
  };
}
