declare global {
  namespace App {
    interface PageState {
      /** The details pane covers the conversation (narrow screens): the back gesture closes it. */
      details?: boolean;
    }
  }
}

export {};
