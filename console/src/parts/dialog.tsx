// A native dialog, which keeps the focus inside and ends with Escape.
import { signal } from '@preact/signals';
import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';

/** The number of open dialogs, because keys, the pointer and the focus have another meaning then. */
export const dialogs = signal(0);

export function Dialog({ title, onClose, children }: { title: string; onClose: () => void; children: ComponentChildren }): JSX.Element {
  const ref = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const dialog = ref.current;
    const before = document.activeElement;
    // It counts before it takes the focus, because what loses the focus asks.
    dialogs.value++;
    if (dialog?.open === false) dialog.showModal();
    return () => {
      if (before instanceof HTMLElement) before.focus();
      dialogs.value--;
    };
  }, []);
  return (
    <dialog
      ref={ref}
      aria-label={title}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onClick={(event) => {
        if (event.target === ref.current) onClose();
      }}
    >
      <div class="inside">
        <h2><bdi>{title}</bdi></h2>
        {children}
      </div>
    </dialog>
  );
}
