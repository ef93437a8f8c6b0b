/** Light, dark, or as the system says. Kept on the device; src/app.html applies it before the first paint. */
export type Theme = 'system' | 'light' | 'dark';

const KEY = 'theme';

export class ThemeChoice {
  #current = $state<Theme>(kept());

  get current(): Theme {
    return this.#current;
  }

  choose(theme: Theme): void {
    this.#current = theme;
    try {
      if (theme === 'system') localStorage.removeItem(KEY);
      else localStorage.setItem(KEY, theme);
    } catch {
      // Blocked storage: the choice lasts until the page closes.
    }
    if (theme === 'system') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    paintBrowserBar();
  }
}

function kept(): Theme {
  const theme = document.documentElement.dataset.theme;
  return theme === 'light' || theme === 'dark' ? theme : 'system';
}

/** The phone's bar above the page takes the colour of the page's own top bar. */
export function paintBrowserBar(): void {
  const colour = getComputedStyle(document.documentElement).getPropertyValue('--surface').trim();
  document.querySelector('meta[name="theme-color"]')?.setAttribute('content', colour);
}
