// The theme, light or dark: that of the system, or the chosen one.
import { signal } from '@preact/signals';

export type Theme = 'system' | 'light' | 'dark';

const KEY = 'impresario.theme';
const known: Theme[] = ['system', 'light', 'dark'];

function kept(): Theme {
  const text = localStorage.getItem(KEY) as Theme | null;
  return text !== null && known.includes(text) ? text : 'system';
}

export const theme = signal<Theme>(kept());

/** Counts how often colours changed, because what is on a canvas must be drawn again then. */
export const colours = signal(0);

matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => colours.value++);

function show(): void {
  document.documentElement.dataset['theme'] = theme.value;
  colours.value++;
}

export function next(): void {
  theme.value = known[(known.indexOf(theme.value) + 1) % known.length] ?? 'system';
  localStorage.setItem(KEY, theme.value);
  show();
}

show();
