declare global {
  /** From package.json, at build time. */
  const __APP_VERSION__: string;
  namespace App {
    interface PageState {
      /** The details pane covers the conversation (narrow screens): the back gesture closes it. */
      details?: boolean;
    }
  }
}

export {};
