// Delays work until the next frame of the screen, so that a thousand changes are drawn once.

/** Returns a function that runs `work` once, soon, however often it is called until then. */
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
    // A page in the background gets no frames, and must not collect changes without end.
    if (document.hidden) setTimeout(run, 1_000);
  };
}

/** Repeats `work` after its end and a wait that it returns. Returns how to end it, and how to run it now. */
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
